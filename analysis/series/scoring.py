"""All series scored at once: the cheap pass that says which of them are worth a closer look.

Each series is compared with its own normal over sliding windows, and asked for a change of level; what stays within
the pre-filter everywhere is normal. Rows are series, columns are samples at common times; NaN and infinities are no
samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.config import Floor
from analysis.series.baselines import Baseline, started_log
from analysis.series.changepoints import CUT, Changes, find_changes
from analysis.series.robust import MAD_TO_SIGMA, Counts, finite, median_and_mad
from analysis.series.windows import LENGTHS_SECONDS, filled, running, window_means
from core.frames import Floats

BLOCK = 256
"""Series that are worked on together: their samples stay in the processor's cache."""
CHANGE_STRENGTH = 5.0
"""A change of level counts from this many standard errors: with some hundred samples chance stays below four."""
LOG_DECIMALS = 9
"""Logarithms differ between processors in their last bits only."""

Mask = npt.NDArray[np.bool_]
Parts = tuple[npt.NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Normals:
    """The normal of each series, shape ``(series,)`` each.

    Attributes:
        median, scale: of the values, or of their started logarithm; NaN where nothing is known.
        samples: how many they rest on.
        log_start: as in `baselines.Baseline`; NaN for a linear scale.
    """

    median: Floats
    scale: Floats
    samples: Counts
    log_start: Floats

    @classmethod
    def of(cls, baselines: Sequence[Baseline | None]) -> Normals:
        """One row a baseline."""
        table = np.array([_row(each) for each in baselines], dtype=np.float64).reshape(len(baselines), 4)
        return cls(table[:, 0], table[:, 1], table[:, 2].astype(np.intp), table[:, 3])

    @classmethod
    def fit(cls, values: Floats, floor: Floor) -> Normals:
        """The normals of rows on a linear scale that share a floor.

        Args:
            values: shape ``(series, samples)``.
        """

        def work(rows: slice) -> Parts:
            return median_and_mad(finite(values[rows]))

        median, deviation, samples = _in_blocks(len(values), work)
        floors = np.maximum(floor.absolute, floor.relative * np.abs(median))
        scale = np.where(samples > 0, np.maximum(MAD_TO_SIGMA * deviation, floors), np.nan)
        return cls(median, scale, samples, np.full(len(values), np.nan))


@dataclass(frozen=True, slots=True)
class Scores:
    """How far each series was from normal; 0 where nothing is known.

    Attributes:
        windows: the largest mean deviation of a window that ended in the analysed span, with its sign, for each length;
            shape ``(series, lengths)``. Samples count as `CUT` at most, so that a single wild one is no long deviation.
        sample: the largest deviation of a single sample, with its sign, shape ``(series,)``.
        changes: of level, over all samples.
    """

    windows: Floats
    sample: Floats
    changes: Changes

    def beyond(self, threshold: float) -> Mask:
        """Which series, shape ``(series,)``, are worth a closer look."""
        changed = (self.changes.strength >= CHANGE_STRENGTH) & (np.abs(self.changes.size) >= threshold)
        windows = (np.abs(self.windows) >= threshold).any(axis=1)
        beyond: Mask = changed | windows | (np.abs(self.sample) >= threshold)
        return beyond


def score(times: Floats, values: Floats, normals: Normals, begin: float, cap: float) -> Scores:
    """Score all series.

    Args:
        times: ascending, shape ``(samples,)``, seconds.
        values: shape ``(series, samples)``.
        begin: where the analysed span begins, seconds; windows end in it but may reach back before it.
        cap: deviations are cut here.
    """
    first = int(np.searchsorted(times, begin))

    def work(rows: slice) -> Parts:
        return _score_block(times, deviations(values[rows], normals, rows, cap), first)

    windows, sample, column, size, strength = _in_blocks(len(values), work)
    return Scores(windows, sample, Changes(column, size, strength))


def deviations(values: Floats, normals: Normals, rows: slice, cap: float) -> Floats:
    """Robust z of rows, cut at ``-cap..cap``; NaN where a sample or the normal is missing.

    Without any scale an equal sample is at 0 and any other at the cap.
    """
    scaled = finite(values)
    starts = normals.log_start[rows]
    logarithmic = np.flatnonzero(starts == starts)
    if logarithmic.size:
        scaled[logarithmic] = np.round(started_log(scaled[logarithmic], starts[logarithmic, None]), LOG_DECIMALS)
    scaled -= normals.median[rows, None]
    scale = normals.scale[rows]
    constant = np.flatnonzero(scale == 0)
    apart = np.sign(scaled[constant]) * cap
    with np.errstate(over="ignore"):
        scaled /= np.where(scale == 0, 1.0, scale)[:, None]
    scaled[constant] = apart
    np.minimum(scaled, cap, out=scaled)
    return np.maximum(scaled, -cap, out=scaled)


def _score_block(times: Floats, deviation: Floats, first: int) -> Parts:
    """What `Scores` and `Changes` consist of, for some rows; the analysed span begins with column `first`."""
    known, counts = filled(deviation)
    series, analysed = len(known), first < times.size
    sample = _largest(known[:, first:]) if analysed else np.zeros(series)
    sums = running(np.maximum(np.minimum(known, CUT, out=known), -CUT, out=known))
    windows = np.zeros((series, len(LENGTHS_SECONDS)))
    for column, seconds in enumerate(LENGTHS_SECONDS if analysed else ()):
        windows[:, column] = _largest(window_means(times, sums, counts, first, seconds))
    changes = find_changes(sums, counts)
    return windows, sample, changes.column, changes.size, changes.strength


def _largest(values: Floats) -> Floats:
    """The value furthest from zero of each row, with its sign."""
    high, low = values.max(axis=1), values.min(axis=1)
    largest: Floats = np.where(high >= -low, high, low)
    return largest


def _in_blocks(series: int, work: Callable[[slice], Parts]) -> Parts:
    """The results of all blocks of rows, joined; without any rows, those of none."""
    parts = [work(slice(first, first + BLOCK)) for first in range(0, max(series, 1), BLOCK)]
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _row(baseline: Baseline | None) -> tuple[float, float, int, float]:
    if baseline is None:
        return nan, nan, 0, nan
    start = baseline.log_start
    if start is None:
        return baseline.median, baseline.scale, baseline.samples, nan
    return float(started_log(np.array(baseline.median), start)), baseline.scale, baseline.samples, start
