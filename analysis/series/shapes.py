"""Shapes that a comparison of levels does not see: a series that fell silent, that froze, or that became restless.

Each detector compares the end of a series with its baseline, needs no unit, and says how sure it is as a robust z.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt

from analysis.series.onset import Onset
from analysis.series.robust import MAD_TO_SIGMA, median_of
from core.frames import Floats

Mask = npt.NDArray[np.bool_]

SURPRISE_NATS = 10.0
"""A run at the end must be less likely than e^-10 (1 in 22,000) by what the baseline does: there are many series."""

MIN_RUN_SHARE = 0.5
"""... and fill at least this share of the window."""

MAD_VARIANCE = 1.36
"""Variance of the logarithm of a MAD of n normal samples, times n (its efficiency is 37%)."""

MIN_SPREAD_SAMPLES = 5.0
"""Fewer independent samples than this have no spread to speak of."""


@dataclass(frozen=True, slots=True)
class Departure:
    """How a series left its baseline without leaving its level.

    Attributes:
        z: how surprising that is, in standard deviations.
        index: of the sample with which it began.
    """

    z: float
    index: int
    onset: Onset


def fell_silent(times: Floats, values: Floats, baseline: Mask, inside: Mask) -> Departure | None:
    """The series ends in zeros that its baseline hardly has; None when it does not.

    Args:
        times, values: sorted and finite, shape ``(n,)``; `baseline` and `inside` (the window) are masks of that shape.
    """
    zero = values == 0
    usual = (float(zero[baseline].sum()) + 1) / (float(baseline.sum()) + 2)
    return _run(times, _length_at_end(zero), usual, inside)


def froze(times: Floats, values: Floats, baseline: Mask, inside: Mask) -> Departure | None:
    """The series ends in one repeated value although it usually changes from sample to sample; None when it does not.

    A run must be twice as long as any in the baseline: gauges that move in steps stand still now and then.
    """
    same = np.concatenate([[False], np.diff(values) == 0])
    repeats = same & baseline & np.concatenate([[False], baseline[:-1]])
    usual = (float(repeats.sum()) + 1) / (float(max(baseline.sum() - 1, 0)) + 2)
    run = _length_at_end(same)
    if run <= 2 * _longest(repeats):
        return None
    return _run(times, run, usual, inside)


def became_restless(
    times: Floats, values: Floats, baseline: Mask, inside: Mask, floor: float, threshold: float
) -> Departure | None:
    """The window spreads more widely than the baseline, by their MADs; None when it does not by `threshold` z.

    z is the logarithm of the ratio of the spreads in units of its own standard error; samples that follow each other
    are alike, so that fewer of them count.

    Args:
        floor: the smallest spread, in the unit of the series, that means anything.
    """
    before, now = values[baseline], values[inside]
    if min(before.size, now.size) < MIN_SPREAD_SAMPLES:
        return None
    centre = median_of(before)
    usual, current = max(_mad(before), floor), _mad(now)
    if current <= usual or usual <= 0:
        return None
    independent = _independence(before - centre)
    counts = before.size * independent, now.size * independent
    if min(counts) < MIN_SPREAD_SAMPLES:
        return None
    z = log(current / usual) / sqrt(MAD_VARIANCE * (1 / counts[0] + 1 / counts[1]))
    if z < threshold:
        return None
    index, uncertainty_seconds = _spread_onset(times, values - centre)
    return Departure(z, index, Onset(float(times[index]), uncertainty_seconds))


def _run(times: Floats, length: int, usual: float, inside: Mask) -> Departure | None:
    """A run of `length` samples at the end, each of which the baseline has with the probability `usual`."""
    nats = -length * log(usual)
    if length < max(2, MIN_RUN_SHARE * inside.sum()) or nats < SURPRISE_NATS:
        return None
    index = times.size - length
    gap = float(times[index] - times[index - 1]) if index > 0 else 0.0
    return Departure(sqrt(2 * nats), index, Onset(float(times[index]), gap))


def _length_at_end(marked: Mask) -> int:
    """How many samples at the end are marked without a break."""
    return int(marked.size if marked.all() else np.argmin(marked[::-1]))


def _longest(marked: Mask) -> int:
    """The longest run of marked samples."""
    ends = np.flatnonzero(~np.concatenate([[False], marked, [False]]))
    return int(np.max(np.diff(ends)) - 1)


def _mad(values: Floats) -> float:
    """Median absolute deviation, scaled to a standard deviation of normal samples."""
    return MAD_TO_SIGMA * median_of(np.abs(values - median_of(values)))


def _independence(residuals: Floats) -> float:
    """Share of the samples that count as independent, by their lag-1 autocorrelation (AR(1)); 0..1."""
    largest = float(np.max(np.abs(residuals)))
    if largest == 0:
        return 1.0
    scaled = residuals / largest
    alike = max(float(scaled[1:] @ scaled[:-1]) / float(scaled @ scaled), 0.0)
    return (1 - alike) / (1 + alike)


def _spread_onset(times: Floats, residuals: Floats) -> tuple[int, float]:
    """Where the spread changed, by centred cumulative sums of squares (Inclan and Tiao, JASA 89, 1994).

    Returns:
        the first sample of the new spread, and how far from it the sums are still within a tenth of their extreme.
    """
    scaled = residuals / max(float(np.max(np.abs(residuals))), exp(-300))
    total = np.cumsum(scaled**2)
    n = times.size
    behind = np.arange(1, n + 1) / n - total / max(float(total[-1]), exp(-300))
    peak = int(np.argmax(behind))
    near = np.flatnonzero(behind >= 0.9 * behind[peak])
    index = min(peak + 1, n - 1)
    return index, float(times[near[-1]] - times[near[0]]) + float(times[index] - times[max(index - 1, 0)])
