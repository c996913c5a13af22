"""What series usually are, from days of samples: the same time of day and of week, or the last day.

A series that has lived elsewhere for most of the last day has a new normal: then the older days say nothing, and the
last day counts. Days are 24 hours of UTC: after clocks change an hour is compared with its neighbour for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.config import AnalysisConfig, Floor
from analysis.rounding import significant
from analysis.series.baselines import log_start_of, started_log
from analysis.series.robust import IQR_TO_SIGMA, MAD_TO_SIGMA, Counts, Ordered, finite, median_and_mad
from core.frames import Floats
from core.models import Past, Signal, Usual

DAY_SECONDS = 86_400.0
AROUND_SECONDS = 1_800.0
"""How far around the same instant of an earlier day its samples count as the same time of day."""
MIN_SHARE = 0.5
"""Share of its samples that a day, or an hour of one, must hold to count."""
MIN_PERIODS = 3
"""Earlier days, or weeks, that must count: with fewer, half of them may be wrong."""
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Season:
    """An earlier time that is alike: every `period_days` days, `periods` times back."""

    past: Past
    period_days: int
    periods: int


SEASONS = (Season(Past.SAME_HOUR_OF_WEEK, 7, 4), Season(Past.SAME_HOUR, 1, 7))
LONGEST_DAYS = max(season.period_days * season.periods for season in SEASONS) + 1
"""Days of history that are ever looked at."""


def usual_before(
    values: Floats, step_seconds: float, signal: Signal, config: AnalysisConfig
) -> list[tuple[Usual, ...]]:
    """The normals of series of one signal at the end of their history, the most alike part of it first.

    Args:
        values: shape ``(series, samples)``, one sample a step, the last one a step before the instant that is asked
            about; NaN where there is no sample.

    Returns:
        One tuple a series; empty where no part holds enough samples.
    """
    known = finite(values)
    floor = config.history_floor(signal)
    log_start = log_start_of(signal, floor)
    scaled = known if log_start is None else started_log(known, log_start)
    found: list[list[Usual]] = [[] for _ in known]
    for season in SEASONS:
        columns, held = _same_time(known, season, step_seconds)
        stale = _moved(scaled, season, step_seconds, floor, config.robust_z, log_start)
        _add(found, season.past, known[:, columns], scaled[:, columns], held & ~stale)
    day = slice(max(0, known.shape[1] - _steps(DAY_SECONDS, step_seconds)), None)
    enough = np.isfinite(known[:, day]).sum(axis=1) >= MIN_SHARE * _steps(DAY_SECONDS, step_seconds)
    _add(found, Past.LAST_DAY, known[:, day], scaled[:, day], enough)
    return [tuple(usuals) for usuals in found]


def _steps(seconds: float, step_seconds: float) -> int:
    """Samples in that time; at least one."""
    return max(1, round(seconds / step_seconds))


def _same_time(known: Floats, season: Season, step_seconds: float) -> tuple[Counts, npt.NDArray[np.bool_]]:
    """Columns around the same instant of earlier periods, and which series hold enough of them."""
    samples = known.shape[1]
    around, period = _steps(AROUND_SECONDS, step_seconds), _steps(season.period_days * DAY_SECONDS, step_seconds)
    counted = np.zeros(len(known), dtype=np.intp)
    columns: list[int] = []
    for back in range(1, season.periods + 1):
        centre = samples - back * period
        own = list(range(max(0, centre - around), min(samples, centre + around)))
        columns += own
        counted += np.isfinite(known[:, own]).sum(axis=1) >= MIN_SHARE * 2 * around
    return np.array(columns, dtype=np.intp), counted >= MIN_PERIODS


def _moved(
    scaled: Floats, season: Season, step_seconds: float, floor: Floor, threshold: float, log_start: float | None
) -> npt.NDArray[np.bool_]:
    """Which series spent most of the last day away from the same times of earlier periods."""
    samples = scaled.shape[1]
    day, period = _steps(DAY_SECONDS, step_seconds), _steps(season.period_days * DAY_SECONDS, step_seconds)
    first = samples - day
    periods = [back for back in range(1, season.periods + 1) if first - back * period >= 0]
    if not periods:
        return np.zeros(len(scaled), dtype=np.bool_)
    earlier = np.stack([scaled[:, first - back * period : samples - back * period] for back in periods], axis=2)
    usual = Ordered.of(earlier.reshape(-1, len(periods))).quantile(0.5).reshape(len(scaled), day)
    _, noise, _ = median_and_mad((earlier - usual[:, :, None]).reshape(len(scaled), -1))
    offset, _, _ = median_and_mad(scaled[:, first:] - usual)
    level, _, _ = median_and_mad(usual)
    absolute = np.maximum(floor.absolute, floor.relative * np.abs(level))
    floors = absolute if log_start is None else np.full(len(scaled), np.log1p(floor.relative))
    away: npt.NDArray[np.bool_] = np.abs(offset) > threshold * np.fmax(MAD_TO_SIGMA * noise, floors)
    return away


def _add(found: list[list[Usual]], past: Past, known: Floats, scaled: Floats, enough: npt.NDArray[np.bool_]) -> None:
    """Fit one part of the history, and give it to the series that hold enough of it."""
    rows = np.flatnonzero(enough)
    if not rows.size:
        return
    plain, order = Ordered.of(known[rows]), Ordered.of(scaled[rows])
    _, deviation, _ = median_and_mad(scaled[rows])
    spread = np.maximum(MAD_TO_SIGMA * deviation, IQR_TO_SIGMA * (order.quantile(0.75) - order.quantile(0.25)))
    median, low, high = plain.quantile(0.5), plain.quantile(0.05), plain.quantile(0.95)
    for index, row in enumerate(rows):
        found[row].append(
            Usual(
                past=past,
                median=significant(float(median[index]), DIGITS),
                spread=significant(float(spread[index]), DIGITS),
                low=significant(float(low[index]), DIGITS),
                high=significant(float(high[index]), DIGITS),
                samples=int(plain.counts[index]),
            )
        )
