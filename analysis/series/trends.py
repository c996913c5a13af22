"""Steady rises: a robust slope with its interval, and where the rise began.

Slope by Theil and Sen (Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63, 1968): the
median of the slopes of all pairs of samples, which tolerates 29% of wrong ones. Its interval is Sen's, from the
variance of Kendall's S; samples that follow each other are alike, so that the variance is inflated by
(1 + r) / (1 - r), r being the lag-1 autocorrelation of the residuals (Hamed and Rao, J. Hydrology 204, 1998).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt

from core.frames import Floats

MAX_POINTS = 64
"""Longer series are thinned to medians of blocks: 2,016 pairs are enough for the slope, and take 0.2 ms."""

MIN_POINTS = 8
"""With fewer, Sen's interval is wider than any rise."""

INTERVAL_Z = 1.645
"""Intervals hold 90%."""

MOST_ALIKE = 0.9
"""Autocorrelation is taken as at most this, or a perfect ramp would have no interval."""

BALANCE = 0.5
"""A steady rise gains in each half at least this share of what it gains in the other: warming up slows down."""

TRAILING = (1.0, 0.75, 0.5, 0.35, 0.25, 0.2)
"""Shares of the series, up to its end, in which a steady rise is looked for, longest first."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A line through the end of a series.

    Attributes:
        slope, low, high: per second; the interval holds 90%.
        level: of the line at the last sample.
        level_error: half the width of the 90% interval of `level`.
        noise: mean absolute distance of the samples from the line.
        start, end: seconds since the epoch that it was fitted between.
        onset: when the rise began; `start` when it is older than the series.
        uncertainty_seconds: how well the onset is known.
    """

    slope: float
    low: float
    high: float
    level: float
    level_error: float
    noise: float
    start: float
    end: float
    onset: float
    uncertainty_seconds: float

    @property
    def rise(self) -> float:
        """How much the line gained, in the unit of the series."""
        return self.slope * (self.end - self.start)


def steady_rise(times: Floats, values: Floats) -> Trend | None:
    """The longest steady rise that lasts to the end of a series; None when there is none.

    Args:
        times: strictly increasing and finite, shape ``(n,)``, seconds since the epoch.
        values: finite, shape ``(n,)``.
    """
    for share in TRAILING:
        first = times.size - round(share * times.size)
        if times.size - first < MIN_POINTS:
            return None
        fitted = fit_line(times[first:], values[first:])
        if fitted is not None and fitted.low > 0 and _steady(times[first:], values[first:], fitted):
            return _dated(fitted, times, values, first)
    return None


def fit_line(times: Floats, values: Floats) -> Trend | None:
    """The Theil-Sen line of a series, rising or not; None with fewer than `MIN_POINTS` samples or overflowing slopes.

    Its onset is the start of the series.
    """
    x, y = thinned(times, values)
    if x.size < MIN_POINTS:
        return None
    earlier, later = _pairs(x.size)
    with np.errstate(all="ignore"):
        slopes = np.sort((y[later] - y[earlier]) / (x[later] - x[earlier]))
    slope = float(np.median(slopes))
    residuals = y - slope * (x - x[-1])
    if not np.isfinite(slopes).all() or not np.isfinite(residuals).all():
        return None
    centre = float(np.median(residuals))
    residuals = residuals - centre
    inflation = _inflation(residuals)
    n = x.size
    spread = INTERVAL_Z * sqrt(n * (n - 1) * (2 * n + 5) / 18 * inflation)
    low = int(np.clip(np.floor((slopes.size - spread) / 2), 0, slopes.size - 1))
    high = int(np.clip(np.ceil((slopes.size + spread) / 2), 0, slopes.size - 1))
    noise = float(np.mean(np.abs(residuals)))
    return Trend(
        slope=slope,
        low=float(slopes[low]),
        high=float(slopes[high]),
        level=centre + slope * float(times[-1] - x[-1]),
        level_error=2 * INTERVAL_Z * noise * sqrt(inflation / n),
        noise=noise,
        start=float(times[0]),
        end=float(times[-1]),
        onset=float(times[0]),
        uncertainty_seconds=float(times[-1] - times[0]),
    )


def thinned(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """At most `MAX_POINTS` medians of blocks of equal length, newest samples kept whole; shape ``(m,)`` each."""
    block = -(-times.size // MAX_POINTS)
    if block <= 1:
        return times, values
    kept = times.size // block * block
    return times[-kept:].reshape(-1, block).mean(axis=1), np.median(values[-kept:].reshape(-1, block), axis=1)


def _steady(times: Floats, values: Floats, line: Trend) -> bool:
    """Whether the rise goes on evenly to the end: no step, no warming up, nothing that fell back."""
    first, middle, last = (float(np.median(part)) for part in np.array_split(values, 3))
    before, after = middle - first, last - middle
    if min(before, after) < BALANCE * max(before, after) or float(np.median(values[-2:])) < middle:
        return False
    distance = values - (line.level + line.slope * (times - line.end))
    return float(distance @ distance) < _step_error(values)


def _step_error(values: Floats) -> float:
    """Sum of squares that is left around the best single step, of all places to put one."""
    centred = values - values.mean()
    left = np.cumsum(centred)[:-1]
    n, k = values.size, np.arange(1, values.size)
    return float(centred @ centred - np.max(left**2 * (1 / k + 1 / (n - k))))


def _dated(line: Trend, times: Floats, values: Floats, first: int) -> Trend:
    """The line with its onset: where it leaves the level that the series had before."""
    if first < MIN_POINTS // 2:
        return line
    rest = float(np.median(values[: first // 2 + 1]))
    began = [line.end - (line.level - rest) / slope for slope in (line.slope, line.low, line.high)]
    onset = min(max(began[0], float(times[0])), line.end)
    spacing = float(np.median(np.diff(times)))
    return Trend(
        line.slope,
        line.low,
        line.high,
        line.level,
        line.level_error,
        line.noise,
        line.start,
        line.end,
        onset,
        min(spacing + abs(began[2] - began[1]) / 2, line.end - float(times[0])),
    )


def _inflation(residuals: Floats) -> float:
    """By how much autocorrelated residuals, centred on 0, widen an interval; at least 1."""
    power = float(residuals @ residuals)
    if power <= 0 or not np.isfinite(power):
        return 1.0
    alike = min(max(float(residuals[1:] @ residuals[:-1]) / power, 0.0), MOST_ALIKE)
    return (1 + alike) / (1 - alike)


@lru_cache(maxsize=MAX_POINTS + 1)
def _pairs(size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices of all pairs of `size` samples, earlier and later."""
    earlier, later = np.triu_indices(size, k=1)
    return earlier, later
