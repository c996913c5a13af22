"""What the watcher sees of many signals at one instant, and which of them are unusual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.anomalies import detect
from analysis.config import AnalysisConfig
from analysis.series.limits import LIMITS
from analysis.series.prefilter import worth_a_look
from analysis.series.readings import UP_THRESHOLD
from analysis.view import SignalFrame, SystemView
from core.models import Alert, Finding, Signal, Window
from tools.context import QueryContext
from tools.queries import metric_digest


@dataclass(frozen=True, slots=True)
class Look:
    """One watched signal as it is now.

    Attributes:
        frames: the signal; then its limit, if it is watched for filling up.
        labels: of the alert about it.
        known: that alert, while it fires; the baseline ends before its onset.
    """

    frames: tuple[SignalFrame, ...]
    window: Window
    baseline: Window
    labels: dict[str, str]
    known: Alert | None

    @property
    def key(self) -> tuple[str, Signal]:
        """Its service and signal."""
        return self.frames[0].service, self.frames[0].signal

    @property
    def fills_up(self) -> bool:
        """Whether it is watched for reaching its limit."""
        return len(self.frames) > 1


async def frames_of(service: str, signal: Signal, context: QueryContext, *, fills_up: bool) -> tuple[SignalFrame, ...]:
    """The signal over baseline and window, and its limit where that is what it is watched for.

    Raises:
        SourceError: one of them cannot be read.
    """
    frames: list[SignalFrame] = []
    for wanted in (signal, LIMITS[signal]) if fills_up else (signal,):
        asked = metric_digest.MetricParameters(service=service, signal=wanted)
        frames += metric_digest.parts(await metric_digest.fetch(context, asked), f"watch:{service}:{wanted}")
    return tuple(frames)


def has_answered(look: Look, config: AnalysisConfig) -> bool:
    """Whether an `up` series tells of a service that had started: as many answers in a row as make a baseline."""
    frame, start, end = look.frames[0], look.baseline.start.timestamp(), look.baseline.end.timestamp()
    if frame.signal is not Signal.UP:
        return False
    told = frame.values[(frame.times >= start) & (frame.times < end) & np.isfinite(frame.values)]
    row = config.min_baseline_samples
    if told.size < row:
        return False
    return bool((np.convolve(told >= UP_THRESHOLD, np.ones(row), "valid") >= row).any())


def findings(looks: Sequence[Look], config: AnalysisConfig) -> list[Finding | None]:
    """What is unusual about each, None where nothing is.

    All symptoms without an alert are scored at once, and only those beyond the pre-filter are looked at closely. What
    fills up does so within its normal at first, so that a trend is always looked for.
    """
    quiet = [number for number, look in enumerate(looks) if look.known is None and not look.fills_up]
    unremarkable: set[int] = set()
    if quiet:
        first = looks[quiet[0]]
        worth = worth_a_look([looks[number].frames[0] for number in quiet], first.window, first.baseline, config)
        unremarkable = {number for number, beyond in zip(quiet, worth, strict=True) if not beyond}
    return [None if number in unremarkable else _finding(look, config) for number, look in enumerate(looks)]


def _finding(look: Look, config: AnalysisConfig) -> Finding | None:
    """What a close look finds; of what fills up, only that its limit is in sight."""
    view = SystemView(
        symptom=look.frames[0].service,
        window=look.window,
        baseline=look.baseline,
        signals=look.frames,
        logs=(),
        states=(),
        changes=(),
        dependencies={},
        topology_evidence="",
        alert_evidence="",
    )
    found = next(iter(detect(view, config)), None)
    return None if found is not None and look.fills_up and found.forecast is None else found
