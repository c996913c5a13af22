"""The plain ways of doing the same: one series after the other, one sample after the other."""

from __future__ import annotations

import time
import warnings
from collections import deque

import numpy as np

from analysis.series.windows import LENGTHS_SECONDS
from core.frames import Floats

MAD_TO_SIGMA = 1.4826
ROLLING_SAMPLES = 60
STREAMED = 200


def scored_alone_seconds(times: Floats, values: Floats, analysed: int) -> float:
    """Processor seconds of median, MAD, four windows and the best split, series by series; shapes as in `score`."""
    started = time.process_time()
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # rows without samples
        for row in values:
            _scored(times, row, analysed)
    return time.process_time() - started


def _scored(times: Floats, row: Floats, analysed: int) -> tuple[list[float], int]:
    normal = row[:-analysed]
    median = np.nanmedian(normal)
    z = (row - median) / (MAD_TO_SIGMA * np.nanmedian(np.abs(normal - median)))
    peaks = []
    for seconds in LENGTHS_SECONDS:
        starts = np.searchsorted(times, times[-analysed:] - seconds, side="right")
        ends = range(times.size - analysed, times.size)
        means = [np.nanmean(z[start : end + 1]) for start, end in zip(starts, ends, strict=True)]
        peaks.append(float(np.nanmax(np.abs(means))))
    sums, counts = np.cumsum(np.nan_to_num(z)), np.cumsum(np.isfinite(z))
    left, right = sums / counts, (sums[-1] - sums) / (counts[-1] - counts)
    split = (left - right) ** 2 * counts * (counts[-1] - counts)
    return peaks, int(np.argmax(np.nan_to_num(split)))


def rolling_samples_per_second(values: Floats) -> float:
    """Samples a second of a rolling mean and deviation over the last samples of each series, in plain Python."""
    rows: list[list[float]] = values[:STREAMED].tolist()
    started = time.process_time()
    for row in rows:
        recent: deque[float] = deque(maxlen=ROLLING_SAMPLES)
        total = squares = 0.0
        for value in row:
            if value != value:
                continue
            if len(recent) == ROLLING_SAMPLES:
                oldest = recent[0]
                total -= oldest
                squares -= oldest * oldest
            recent.append(value)
            total += value
            squares += value * value
            mean = total / len(recent)
            deviation = max(squares / len(recent) - mean * mean, 1e-12) ** 0.5
            _ = (value - mean) / deviation
    return float(STREAMED * values.shape[1]) / (time.process_time() - started)
