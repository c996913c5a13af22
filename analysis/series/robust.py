"""Order statistics of thousands of series at once, that half of the samples may be wrong for.

Rows are series, columns are samples; NaN is no sample. Sorting puts NaN last, so one sort gives every quantile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from core.frames import Floats

MAD_TO_SIGMA = 1.4826
IQR_TO_SIGMA = 0.7413
"""What turns median absolute deviation and interquartile range into a normal distribution's standard deviation."""
LARGEST = 1e150  # sums and differences of samples up to here cannot overflow

Counts = npt.NDArray[np.intp]


def finite(values: Floats) -> Floats:
    """A copy with NaN for whatever is no number, or one so large that sums would overflow; any shape."""
    known: Floats = np.where(np.abs(values) <= LARGEST, values, np.nan)
    return known


@dataclass(frozen=True, slots=True)
class Ordered:
    """The samples of each series in order.

    Attributes:
        values: ascending, NaN last, shape ``(series, samples)``.
        counts: finite samples, shape ``(series,)``.
    """

    values: Floats
    counts: Counts

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Sort finite values or NaN, shape ``(series, samples)``."""
        if values.shape[1] == 0:
            values = np.full((values.shape[0], 1), np.nan)
        ordered = np.sort(values, axis=1)
        return cls(ordered, np.count_nonzero(ordered == ordered, axis=1))

    def quantile(self, share: float) -> Floats:
        """That quantile of each series, shape ``(series,)``, interpolated linearly; NaN for a series without samples.

        Definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996), as numpy's default.
        """
        rank = share * np.maximum(self.counts - 1, 0)
        below = np.floor(rank).astype(np.intp)
        above = np.minimum(below + 1, np.maximum(self.counts - 1, 0))
        rows = np.arange(self.counts.size)
        low, high = self.values[rows, below], self.values[rows, above]
        return low + (high - low) * (rank - below)


def median_of(values: Floats) -> float:
    """Median of the finite samples of one series, shape ``(n,)``, n > 0; for short series quicker than numpy's."""
    ordered = np.sort(values)
    return float(ordered[(ordered.size - 1) // 2] / 2 + ordered[ordered.size // 2] / 2)


def median_and_mad(values: Floats) -> tuple[Floats, Floats, Counts]:
    """Median, median absolute deviation and number of samples of each series, shape ``(series,)`` each.

    Args:
        values: finite or NaN, shape ``(series, samples)``.

    Returns:
        NaN, NaN and 0 for a series without samples.
    """
    ordered = Ordered.of(values)
    median = ordered.quantile(0.5)
    distances = Ordered.of(np.abs(values - median[:, None]))
    return median, distances.quantile(0.5), ordered.counts
