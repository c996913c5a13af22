"""What is normal for a series: median and MAD, and how far a sample is from it.

Robust z after Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993): distance from the median in units of
1.4826 x MAD, which estimates a normal distribution's standard deviation and tolerates half of the samples being wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.config import Floor
from analysis.view import SignalFrame
from core.frames import Floats
from core.models import Window

MAD_TO_SIGMA = 1.4826
LARGEST = 1e150  # sums and differences of clipped samples cannot overflow


@dataclass(frozen=True, slots=True)
class Baseline:
    """The normal of one series.

    Attributes:
        median: in the unit of the series.
        scale: what one z is worth, in the unit of the series; 0 only for a constant series without a floor.
        samples: how many finite samples it rests on; at least 1.
    """

    median: float
    scale: float
    samples: int


def clean(frame: SignalFrame) -> tuple[Floats, Floats]:
    """Times and values of the finite samples, each shape ``(n,)``, in time order, one sample a time (the last wins)."""
    keep = np.isfinite(frame.times) & np.isfinite(frame.values)
    times, last_first = np.unique(frame.times[keep][::-1], return_index=True)
    values = frame.values[keep][::-1][last_first]
    return times, np.clip(values, -LARGEST, LARGEST)


def fit(values: Floats, floor: Floor) -> Baseline | None:
    """The baseline of finite samples, shape ``(n,)``; None when there are none."""
    if values.size == 0:
        return None
    median = float(np.median(values))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(values - median)))
    scale = max(spread, floor.absolute, floor.relative * abs(median))
    return Baseline(median, scale, int(values.size))


def fit_before(times: Floats, values: Floats, baseline: Window, window: Window, floor: Floor) -> Baseline | None:
    """The baseline from samples of the baseline window; those that the analysed window also holds are left out."""
    end = min(baseline.end, window.start).timestamp()
    return fit(values[(times >= baseline.start.timestamp()) & (times < end)], floor)


def robust_z(values: Floats, baseline: Baseline, cap: float) -> Floats:
    """Deviation of each finite sample, shape ``(n,)``, clipped to ``-cap..cap``.

    Without any scale (constant baseline, no floor) an equal sample is at 0 and any other at the cap.
    """
    distance = values - baseline.median
    if baseline.scale == 0:
        return np.sign(distance) * cap
    with np.errstate(over="ignore"):
        return np.clip(distance / baseline.scale, -cap, cap)
