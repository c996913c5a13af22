"""One series against its baseline: the numbers that findings, digests and recovery all rest on."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from analysis.config import AnalysisConfig
from analysis.series.baselines import Baseline, clean, normal_for, robust_z
from analysis.series.onset import Onset, find_onset
from analysis.view import SignalFrame
from core.frames import Floats
from core.models import Shape, Signal, Window

Mask = npt.NDArray[np.bool_]

DIRECTIONS: dict[Signal, tuple[int, ...]] = {
    Signal.ERRORS: (1,),
    Signal.LATENCY: (1,),
    Signal.CPU: (1,),
    Signal.MEMORY: (1,),
    Signal.TRAFFIC: (1, -1),
}
"""Which way a signal must move to be unusual: fewer errors are good news. Signals not listed: both ways."""

ALWAYS_SAMPLED = frozenset({Signal.TRAFFIC, Signal.CPU, Signal.MEMORY})
"""Signals that a living process always has; ratios and quantiles are undefined without traffic."""

UP_THRESHOLD = 0.5  # `up` is averaged over instances: below half of them the service counts as down


@dataclass(frozen=True, slots=True)
class Reading:
    """What one series says.

    Attributes:
        normal: its baseline; None when that held no samples.
        current: median of the window, since the onset if there is one, of the unusual samples only if the spike is
            over; None without samples.
        deviation: robust z of `current`; None when it or the baseline is missing.
        samples: finite samples in the window.
        shape: how it left its baseline; None when it did not, or when too little is known.
        onset: when it left; None when it did not.
    """

    normal: Baseline | None
    current: float | None
    deviation: float | None
    samples: int
    shape: Shape | None = None
    onset: Onset | None = None


def read(frame: SignalFrame, window: Window, baseline: Window, config: AnalysisConfig) -> Reading:
    """Compare the samples in the window (its end included) with those of the baseline before it."""
    times, values = _known_until_end(frame, window, baseline)
    normal = normal_for(frame, times, values, baseline, window, config)
    inside = times >= window.start.timestamp()
    missing = _missing(frame, times, normal, window, config)
    if missing is not None:
        return Reading(normal, None, None, int(inside.sum()), Shape.MISSING, missing)
    if not inside.any():
        return Reading(normal, None, None, 0)

    unusual = _unusual(frame.signal, values, normal, config)
    shape = _shape(frame.signal, values, normal, unusual, inside, config)
    found = find_onset(times, unusual, window.start.timestamp(), config.min_unusual_samples) if shape else None
    current = float(np.median(values[_telling(inside, unusual, shape, found[0] if found else 0)]))
    deviation = None if normal is None else float(robust_z(np.array([current]), normal, config.max_z)[0])
    return Reading(normal, current, deviation, int(inside.sum()), shape, found[1] if found else None)


def unusual_directions(signal: Signal, z: Floats, threshold: float) -> Mask:
    """Which deviations, shape ``(n,)``, are beyond the threshold in a direction that matters for the signal."""
    beyond: Mask = np.zeros(z.size, dtype=np.bool_)
    for sign in DIRECTIONS.get(signal, (1, -1)):
        beyond |= sign * z >= threshold
    return beyond


def _telling(inside: Mask, unusual: Mask, shape: Shape | None, onset_index: int) -> Mask:
    """The samples of the window that tell where the series is now; at least one."""
    if shape is Shape.SPIKE:
        return inside & unusual
    return inside & (np.arange(inside.size) >= onset_index)


def _known_until_end(frame: SignalFrame, window: Window, baseline: Window) -> tuple[Floats, Floats]:
    """Finite samples from the start of the baseline to the end of the window: no look ahead."""
    times, values = clean(frame)
    start = min(baseline.start, window.start).timestamp()
    known = (times >= start) & (times <= window.end.timestamp())
    return times[known], values[known]


def _unusual(signal: Signal, values: Floats, normal: Baseline | None, config: AnalysisConfig) -> Mask:
    """Which samples are unusual. Being down needs no baseline to be wrong; all else needs one."""
    if signal is Signal.UP:
        return values < UP_THRESHOLD
    if normal is None or normal.samples < config.min_baseline_samples:
        return np.zeros(values.size, dtype=np.bool_)
    return unusual_directions(signal, robust_z(values, normal, config.max_z), config.robust_z)


def _shape(
    signal: Signal, values: Floats, normal: Baseline | None, unusual: Mask, inside: Mask, config: AnalysisConfig
) -> Shape | None:
    """How the window left the baseline; None when too few of its samples did, or when it is over for `up`."""
    here = unusual[inside]
    lasting = bool(here[-config.min_unusual_samples :].all()) and here.size >= config.min_unusual_samples
    if signal is Signal.UP:
        since_first = here[int(np.argmax(here)) :]
        flapping = int(here.sum()) > config.min_unusual_samples and bool(since_first.mean() >= UP_THRESHOLD)
        return Shape.ABSENT_UP if lasting or flapping else None
    if normal is None or here.sum() < max(config.min_unusual_samples, ceil(config.min_unusual_share * here.size)):
        return None
    if not lasting:
        return Shape.SPIKE
    return Shape.LEVEL_SHIFT if np.median(values[inside][here]) > normal.median else Shape.DROP


def _missing(
    frame: SignalFrame, times: Floats, normal: Baseline | None, window: Window, config: AnalysisConfig
) -> Onset | None:
    """When the samples of a series that a living process always has ended; None when they did not."""
    if frame.signal not in ALWAYS_SAMPLED or normal is None or normal.samples < config.min_baseline_samples:
        return None
    last = float(times[-1])
    silent_seconds = window.end.timestamp() - last
    if silent_seconds <= max(3 * config.step_seconds, 0.3 * window.seconds):
        return None
    return Onset(last + config.step_seconds, config.step_seconds)
