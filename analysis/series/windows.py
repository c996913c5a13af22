"""Sliding windows of 1 min, 5 min, 15 min and 1 h: how far from normal a series was over each.

Rows are series, columns are samples at common times; NaN is no sample.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.rounding import significant
from analysis.series.baselines import Baseline, robust_z
from core.frames import Floats
from core.models import WindowDeviation

LENGTHS_SECONDS = (60.0, 300.0, 900.0, 3600.0)

Columns = npt.NDArray[np.intp]
Counts32 = npt.NDArray[np.int32]


def filled(deviations: Floats) -> tuple[Floats, Counts32]:
    """Deviations with 0 where there is no sample, and how many samples lie before each column.

    Returns:
        Shapes ``(series, samples)`` and ``(series, samples + 1)``.
    """
    series, samples = deviations.shape
    known = deviations == deviations
    counts = np.zeros((series, samples + 1), dtype=np.int32)
    np.cumsum(known, axis=1, dtype=np.int32, out=counts[:, 1:])
    return np.where(known, deviations, 0.0), counts


def running(deviations: Floats) -> Floats:
    """Sum of the samples before each column, shape ``(series, samples + 1)``; `deviations` holds no NaN."""
    series, samples = deviations.shape
    sums = np.zeros((series, samples + 1))
    np.cumsum(deviations, axis=1, out=sums[:, 1:])
    return sums


def window_means(times: Floats, sums: Floats, counts: Counts32, first: int, seconds: float) -> Floats:
    """Mean deviation in the windows ``(t - seconds, t]``, t being the time of the first end and each later sample.

    Args:
        times: ascending, shape ``(samples,)``, seconds.
        sums, counts: from `running` and `filled`.
        first: column in which the first window ends; there is such a column.

    Returns:
        Shape ``(series, samples - first)``; 0 where a window holds no sample.
    """
    starts = _columns(np.searchsorted(times, times[first:] - seconds, side="right"))
    held = np.maximum(counts[:, first + 1 :] - counts[:, starts], 1)
    means: Floats = sums[:, first + 1 :] - sums[:, starts]
    means /= held
    return means


def _columns(indices: Columns) -> Columns | slice:
    """Neighbouring columns as a slice, which numpy reads without a copy."""
    if indices[-1] - indices[0] == indices.size - 1 and bool((np.diff(indices) == 1).all()):
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices


def window_deviations(times: Floats, values: Floats, normal: Baseline, cap: float) -> tuple[WindowDeviation, ...]:
    """The deviation of one series over each window that ends with its last sample and that it reaches back through.

    Args:
        times, values: clean samples, each shape ``(n,)``.
    """
    if times.size < 2:
        return ()
    known, counts = filled(robust_z(values, normal, cap)[None, :])
    sums = running(known)
    last, reach = times.size - 1, float(times[-1] - times[0])
    return tuple(
        WindowDeviation(
            seconds=seconds,
            deviation=significant(float(window_means(times, sums, counts, last, seconds)[0, 0]), 3),
        )
        for seconds in LENGTHS_SECONDS
        if reach >= seconds
    )
