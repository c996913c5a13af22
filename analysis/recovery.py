"""Whether a signal is back at its normal: what proves, or refutes, that an action helped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.config import AnalysisConfig
from analysis.rounding import significant
from analysis.series.baselines import Baseline, clean, normal_for, robust_z
from analysis.series.limits import LIMITS
from analysis.series.readings import UP_THRESHOLD, unusual_directions
from analysis.view import SignalFrame
from core.models import Signal, Window

LOW_QUANTILE = 0.1
"""What piles up has grown through its whole baseline: where it began is its normal."""

EMPTIED_Z = 1.0
"""... and it must be this close to it: a leak of twice as much is found (`analysis.findings`) and is not over."""


@dataclass(frozen=True, slots=True)
class RecoveryReading:
    """The word of one signal.

    Attributes:
        ok: whether it is back at its normal; None when that cannot be told.
        detail: one line for people.
    """

    ok: bool | None
    detail: str


def normal_of(frame: SignalFrame, baseline: Window, window: Window, config: AnalysisConfig) -> Baseline | None:
    """The normal of a series before the incident, from the windows of the diagnosis; None without enough samples."""
    times, values = clean(frame)
    normal = normal_for(frame, times, values, baseline, window, config)
    if normal is not None and frame.signal in LIMITS:
        before = values[(times >= baseline.start.timestamp()) & (times < baseline.end.timestamp())]
        lowest = float(np.quantile(before, LOW_QUANTILE)) if before.size else normal.median
        normal = replace(normal, median=min(lowest, normal.median))
    return normal if normal and normal.samples >= config.min_baseline_samples else None


def recovered(before: Baseline | None, now: SignalFrame, config: AnalysisConfig) -> RecoveryReading:
    """Compare the samples of `now`, all taken after the action, with the normal from before the incident.

    `up` needs no normal: all of its last samples must be up. For the others the median of the samples must be within
    ``config.robust_z`` on the side that matters, and within `EMPTIED_Z` of where it began for what piles up; fewer than
    ``config.min_unusual_samples`` samples tell nothing.
    """
    _, values = clean(now)
    name = f"{now.signal} of {now.service}"
    if values.size < config.min_unusual_samples:
        return RecoveryReading(None, f"{name}: {values.size} samples since the action, too few to tell")
    current = float(np.median(values))
    if now.signal is Signal.UP:
        up = bool((values[-config.min_unusual_samples :] >= UP_THRESHOLD).all())
        return RecoveryReading(up, f"{name}: {'answers' if up else 'does not answer'}")
    if before is None:
        return RecoveryReading(None, f"{name} is {significant(current):g} {now.unit}: no normal to compare with")
    z = robust_z(np.array([current]), before, config.max_z)
    ok = not bool(unusual_directions(now.signal, z, EMPTIED_Z if now.signal in LIMITS else config.robust_z)[0])
    detail = f"{name} is {significant(current):g} {now.unit}, normal is {significant(before.median):g}"
    return RecoveryReading(ok, f"{detail} (z {significant(float(z[0]), 3):g})")
