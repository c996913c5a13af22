"""Plain versions of other detectors of the benchmark; each takes one series and returns a score 0..1 a row.

Null, random, Windowed Gaussian and Relative Entropy, with the parameters that https://github.com/numenta/NAB uses.
Relative Entropy is told the range of the whole file, as the benchmark tells its detectors: a look ahead that Quell's
own detector does without.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtri, erfc  # type: ignore[import-untyped]  # scipy ships no types

from core.frames import Floats

GAUSSIAN_ROWS = 6400
GAUSSIAN_STEP = 100
LEAST_DEVIATION = 1e-6
ENTROPY_ROWS = 52
ENTROPY_BINS = 5
ENTROPY_LEVEL = 0.01


def null(values: Floats) -> Floats:
    """The same for every row: no alarm."""
    return np.full(values.size, 0.5)


def random(values: Floats, seed: int) -> Floats:
    """Uniform noise."""
    return np.random.default_rng(seed).random(values.size)


def windowed_gaussian(values: Floats) -> Floats:
    """One less the normal tail beyond a row, by mean and deviation of the rows in a window before it."""
    rows = np.arange(values.size)
    slid = np.maximum(0, (rows - GAUSSIAN_ROWS) // GAUSSIAN_STEP * GAUSSIAN_STEP)
    last = np.minimum(rows, slid + GAUSSIAN_ROWS)
    sums = np.cumsum(np.append(0.0, values - values[0]))
    squares = np.cumsum(np.append(0.0, (values - values[0]) ** 2))
    count = np.maximum(last - slid, 1)
    mean = (sums[last] - sums[slid]) / count
    deviation = np.sqrt(np.maximum((squares[last] - squares[slid]) / count - mean**2, 0.0))
    deviation[deviation == 0.0] = LEAST_DEVIATION
    scores: Floats = 1.0 - 0.5 * erfc(np.abs(values - values[0] - mean) / deviation / np.sqrt(2.0))
    scores[:1] = 0.0
    return scores


def relative_entropy(values: Floats) -> Floats:
    """1 where the histogram of the last rows agrees with none seen before, else 0.

    Wang et al., "Statistical Techniques for Online Anomaly Detection in Data Centers" (2011), figure 1.
    """
    scores = np.zeros(values.size)
    step = (values.max() - values.min()) / ENTROPY_BINS
    if step == 0:
        return scores
    bins = np.minimum(np.ceil((values - values.min()) / step), ENTROPY_BINS - 1).astype(np.intp)
    ones = np.cumsum(np.vstack([np.zeros(ENTROPY_BINS), np.eye(ENTROPY_BINS)[bins]]), axis=0)
    histograms = (ones[ENTROPY_ROWS:] - ones[:-ENTROPY_ROWS]) / ENTROPY_ROWS
    limit = chdtri(ENTROPY_BINS - 1, ENTROPY_LEVEL) / (2 * ENTROPY_ROWS)
    known = histograms[:1]
    with np.errstate(divide="ignore", invalid="ignore"):
        for row, histogram in enumerate(histograms[1:], start=ENTROPY_ROWS):
            terms = np.where(histogram > 0, histogram * np.log(histogram / known), 0.0)
            if not (terms.sum(axis=1) < limit).any():
                scores[row] = 1.0
                known = np.vstack([known, histogram])
    return scores
