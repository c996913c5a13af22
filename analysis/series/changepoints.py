"""The one column at which the level of each series most likely changed.

The statistic is Worsley's maximum of the standardised difference of two means ("On the Likelihood Ratio Test for a
Shift in Location of Normal Populations", 1979), on deviations that are cut beforehand, so that single wild samples do
not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.series.robust import Counts
from analysis.series.windows import Counts32
from core.frames import Floats

CUT = 6.0
"""Deviations beyond this count as this much: twice the deviation from which a sample is unusual."""
EDGE = 2
"""Columns at either end in which no change is looked for."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The best split of each series, shape ``(series,)`` each.

    Attributes:
        column: first column after it; 0 where there is none.
        size: mean deviation after it minus that before it; 0 where there is none.
        strength: size in standard errors, if samples were independent with a deviation of one; never negative.
    """

    column: Counts
    size: Floats
    strength: Floats


def find_changes(sums: Floats, counts: Counts32) -> Changes:
    """Where each row changed.

    Args:
        sums: from `windows.running`, of robust z between ``-CUT`` and ``CUT``, shape ``(series, samples + 1)``.
        counts: from `windows.filled`.
    """
    series, samples = len(sums), sums.shape[1] - 1
    if samples < 2 * EDGE:
        nothing = np.zeros(series)
        return Changes(np.zeros(series, dtype=np.intp), nothing, nothing)
    total, known = sums[:, -1:], np.maximum(counts[:, -1:], 1)
    inner = slice(EDGE, samples - EDGE + 1)
    before, held = sums[:, inner], counts[:, inner]
    spread = held - held * (held / known)  # 0 where all samples lie on one side
    squared = before - held * (total / known)
    squared *= squared
    squared /= np.maximum(spread, 0.5)  # with a sample on either side it is at least that
    best = np.argmax(squared, axis=1)
    rows = np.arange(series)
    left, right = held[rows, best], known[:, 0] - held[rows, best]
    size = (total[:, 0] - before[rows, best]) / np.maximum(right, 1) - before[rows, best] / np.maximum(left, 1)
    found = (left > 0) & (right > 0) & (squared[rows, best] > 0)
    strength = np.where(found, np.sqrt(squared[rows, best]), 0.0)
    return Changes(np.where(found, best + EDGE, 0), np.where(found, size, 0.0), strength)
