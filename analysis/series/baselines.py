"""What is normal for a series: median and robust scale, and how far a sample is from it.

Robust z after Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993): distance from the median in units of
1.4826 x MAD, which estimates a normal distribution's standard deviation and tolerates half of the samples being wrong.
Latencies are compared on a logarithmic scale, as their noise grows with their level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.config import LOGARITHMIC, AnalysisConfig, Floor
from analysis.series.robust import LARGEST, MAD_TO_SIGMA, median_of
from analysis.view import SignalFrame
from core.frames import Floats
from core.models import Signal, Usual, Window

SMALLEST_START = 1e-9
"""What the started logarithm adds at least, so that zero has one."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The normal of one series.

    Attributes:
        median: in the unit of the series.
        scale: what one z is worth, in the unit of the series, or of its logarithm; 0 only for a constant series without
            a floor.
        samples: how many finite samples it rests on; at least 1.
        log_start: None on a linear scale; else distances are those of ``ln(value + log_start)``, Tukey's started
            logarithm ("Exploratory Data Analysis", 1977), in the unit of the series.
        source: the part of history that it is; None when it is the span right before the window.
    """

    median: float
    scale: float
    samples: int
    log_start: float | None = None
    source: Usual | None = None


def clean(frame: SignalFrame) -> tuple[Floats, Floats]:
    """Times and values of the finite samples, each shape ``(n,)``, in time order, one sample a time (the last wins)."""
    keep = np.isfinite(frame.times) & np.isfinite(frame.values)
    times, last_first = np.unique(frame.times[keep][::-1], return_index=True)
    values = frame.values[keep][::-1][last_first]
    return times, np.clip(values, -LARGEST, LARGEST)


def log_start_of(signal: Signal, floor: Floor) -> float | None:
    """Where the logarithm of a signal starts; None for a signal on a linear scale.

    The start is the level at which the absolute floor equals the relative one, so that both together make one z worth
    ``absolute + relative x value`` near any value.
    """
    if signal not in LOGARITHMIC:
        return None
    start = floor.absolute / floor.relative if floor.relative else floor.absolute
    return max(start, SMALLEST_START)


def started_log(values: Floats, start: float | Floats) -> Floats:
    """``ln(value + start)`` of values, any shape; what is negative counts as zero."""
    return np.log(np.maximum(values, 0.0) + start)


def floored(median: float, spread: float, floor: Floor, log_start: float | None) -> float:
    """The scale: `spread` (in the unit of the series, or of its logarithm), but not less than the floor demands."""
    if log_start is None:
        return max(spread, floor.absolute, floor.relative * abs(median))
    absolute = floor.absolute / (max(median, 0.0) + log_start)
    return max(spread, float(np.log1p(max(floor.relative, absolute))))


def fit(values: Floats, floor: Floor, log_start: float | None = None) -> Baseline | None:
    """The baseline of finite samples, shape ``(n,)``; None when there are none."""
    if values.size == 0:
        return None
    median = median_of(values)
    scaled = values if log_start is None else started_log(values, log_start)
    middle = median if log_start is None else median_of(scaled)
    spread = MAD_TO_SIGMA * median_of(np.abs(scaled - middle))
    return Baseline(median, floored(median, spread, floor, log_start), int(values.size), log_start)


def fit_before(
    times: Floats, values: Floats, baseline: Window, window: Window, floor: Floor, log_start: float | None = None
) -> Baseline | None:
    """The baseline from samples of the baseline window; those that the analysed window also holds are left out."""
    end = min(baseline.end, window.start).timestamp()
    return fit(values[(times >= baseline.start.timestamp()) & (times < end)], floor, log_start)


def normal_for(
    frame: SignalFrame, times: Floats, values: Floats, baseline: Window, window: Window, config: AnalysisConfig
) -> Baseline | None:
    """What is normal for a frame: its history where there is enough of it, else the baseline window.

    Args:
        times, values: its clean samples, each shape ``(n,)``.
    """
    known = frame.history
    if known is not None and known.usual and known.until <= window.start:
        usual, floor = known.usual[0], config.history_floor(frame.signal)
        log_start = log_start_of(frame.signal, floor)
        scale = floored(usual.median, usual.spread, floor, log_start)
        return Baseline(usual.median, scale, usual.samples, log_start, usual)
    floor = config.floor(frame.signal)
    return fit_before(times, values, baseline, window, floor, log_start_of(frame.signal, floor))


def robust_z(values: Floats, baseline: Baseline, cap: float) -> Floats:
    """Deviation of each finite sample, any shape, clipped to ``-cap..cap``.

    Without any scale (constant baseline, no floor) an equal sample is at 0 and any other at the cap.
    """
    median = np.float64(baseline.median)
    if baseline.log_start is not None:
        values = started_log(values, baseline.log_start)
        median = np.log(max(median, 0.0) + baseline.log_start)
    distance = values - median
    if baseline.scale == 0:
        return np.sign(distance) * cap
    with np.errstate(over="ignore"):
        return np.clip(distance / baseline.scale, -cap, cap)
