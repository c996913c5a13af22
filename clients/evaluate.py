"""Typed metric queries over raw samples: instant values, rates, aggregates and histogram quantiles, vectorised.

Semantics, and where they differ from Prometheus:

- An instant value is the sample of the latest scrape round at or before the grid time, if that round is younger than
  the staleness bound. A round without a sample means that the series has none: nothing older is shown in its place.
- ``INCREASE`` is the sum of the growths between neighbouring samples in ``(t - window, t]``; a value below its
  predecessor is a counter reset and counts from zero. ``RATE`` divides that by the time between the first and the last
  of those samples. Neither extrapolates to the edges of the window, as Prometheus' `rate` does
  (https://prometheus.io/docs/prometheus/latest/querying/functions/#rate), so an increase is never a number that no
  counter showed. Missing samples in between do not matter; a series that has no instant value has no rate either.
- Aggregates leave out series without a value; where none has one, the result is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from clients.series import NAME, History, SeriesKey
from core.errors import SourceRejected
from core.frames import Aggregate, Floats, Frame, Function, MetricQuery


def evaluate(query: MetricQuery, history: History, staleness_seconds: float) -> Frame:
    """Answer a query from samples that reach back at least ``max(rate window, staleness)`` before its window.

    Raises:
        SourceRejected: a quantile query does not say which quantile.
    """
    empty = Frame.empty(query.window, query.step_seconds)
    labels = [_plain(key) for key in history.keys]
    if not labels:
        return empty
    if query.function is Function.QUANTILE and query.quantile is None:
        raise SourceRejected("a quantile query needs its quantile", fix="set quantile, such as 0.95")
    # Targets may expose any float; overflow and infinity follow IEEE 754 here, as they do in Prometheus.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        values = _per_series(query, history, empty.times, staleness_seconds)
        if query.function is Function.QUANTILE:
            labels, values = _quantiles(query.quantile or 0.0, labels, values, query.by)
        elif query.aggregate is not Aggregate.NONE:
            labels, values = _aggregate(query.aggregate, labels, values, query.by)
    return Frame(empty.start, empty.step, tuple(labels), values)


def _per_series(query: MetricQuery, history: History, grid: Floats, staleness_seconds: float) -> Floats:
    if query.function is Function.RAW:
        return instant(history.times, history.values, grid, staleness_seconds)
    grown, elapsed = increase(history.times, history.values, grid, query.rate_window_seconds, staleness_seconds)
    return grown if query.function is Function.INCREASE else grown / elapsed


def instant(times: Floats, values: Floats, grid: Floats, staleness_seconds: float) -> Floats:
    """Values at the grid's times.

    Args:
        times: ascending, shape ``(rounds,)``, seconds.
        values: shape ``(series, rounds)``, NaN where there is no sample.
        grid: ascending, shape ``(columns,)``, seconds.

    Returns:
        Shape ``(series, columns)``.
    """
    if not times.size:
        return np.full((values.shape[0], grid.size), np.nan)
    latest = np.searchsorted(times, grid, side="right") - 1
    fresh = (latest >= 0) & (grid - times[latest] <= staleness_seconds)
    return np.where(fresh, values[:, latest], np.nan)


def increase(
    times: Floats, values: Floats, grid: Floats, window_seconds: float, staleness_seconds: float
) -> tuple[Floats, Floats]:
    """Growth of counters in ``(t - window, t]`` and the seconds between the samples it was read from.

    Arguments as in `instant`.

    Returns:
        Two arrays of shape ``(series, columns)``, NaN where there are fewer than two samples or no instant value.
    """
    finite = np.where(np.isfinite(values), values, np.nan)
    alive = ~np.isnan(instant(times, finite, grid, staleness_seconds))
    if times.size < 2:
        nothing = np.full(alive.shape, np.nan)
        return nothing, nothing
    rounds = np.arange(times.size)
    sampled = ~np.isnan(finite)
    last_at = np.maximum.accumulate(np.where(sampled, rounds, -1), axis=1)
    next_at = np.minimum.accumulate(np.where(sampled, rounds, times.size)[:, ::-1], axis=1)[:, ::-1]
    total = np.cumsum(_growth(finite, last_at), axis=1)

    latest = np.maximum(np.searchsorted(times, grid, side="right") - 1, 0)
    opening = np.searchsorted(times, grid - window_seconds, side="right")
    first = np.where(opening < times.size, next_at[:, np.minimum(opening, times.size - 1)], times.size)
    last = last_at[:, latest]
    usable = alive & (first < last)
    first, last = np.where(usable, first, 0), np.where(usable, last, 0)
    grown = np.take_along_axis(total, last, axis=1) - np.take_along_axis(total, first, axis=1)
    return np.where(usable, grown, np.nan), np.where(usable, times[last] - times[first], np.nan)


def histogram_quantile(quantile: float, bounds: Floats, counts: Floats) -> Floats:
    """Quantile of a classic histogram, interpolated linearly inside its bucket.

    The algorithm of Prometheus' `histogram_quantile`
    (https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile, `BucketQuantile` in
    promql/quantile.go): the highest bucket must be +Inf; a quantile in it gives the bound below it; the lowest bucket
    starts at 0 unless its bound is not positive.

    Args:
        quantile: between 0 and 1.
        bounds: upper bounds, ascending, shape ``(buckets,)``.
        counts: cumulative counts or their rates, shape ``(buckets, columns)``; NaN where a bucket has no sample.

    Returns:
        Shape ``(columns,)``, NaN where nothing was observed.
    """
    columns = np.arange(counts.shape[1])
    if bounds.size < 2 or not np.isposinf(bounds[-1]):
        return np.full(columns.size, np.nan)
    cumulative = np.maximum.accumulate(np.nan_to_num(counts), axis=0)
    rank = quantile * cumulative[-1]
    bucket = np.argmax(cumulative >= rank, axis=0)
    below = np.maximum(bucket - 1, 0)
    start = np.where(bucket > 0, bounds[below], np.minimum(bounds[0], 0.0))
    before = np.where(bucket > 0, cumulative[below, columns], 0.0)
    overflow = bucket == bounds.size - 1
    end = np.where(overflow, bounds[-2], bounds[bucket])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (rank - before) / (cumulative[bucket, columns] - before)
        inside = start + (end - start) * share
    inside = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], inside)
    return np.where(cumulative[-1] > 0, np.where(overflow, bounds[-2], inside), np.nan)


def _growth(finite: Floats, last_at: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
    """Growth of each sample over the sample before it, never negative, 0 where there is none; shape as `finite`."""
    before_at = np.concatenate([np.full((finite.shape[0], 1), -1), last_at[:, :-1]], axis=1)
    before = np.where(before_at >= 0, np.take_along_axis(finite, np.maximum(before_at, 0), axis=1), np.nan)
    grown = np.where(finite < before, finite, finite - before)
    return np.where(np.isnan(grown), 0.0, np.maximum(grown, 0.0))


def _plain(key: SeriesKey) -> dict[str, str]:
    return {label: value for label, value in key if label != NAME}


def _groups(labels: Sequence[Mapping[str, str]], by: Sequence[str]) -> dict[tuple[tuple[str, str], ...], list[int]]:
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for row, own in enumerate(labels):
        groups.setdefault(tuple((label, own[label]) for label in by if own.get(label)), []).append(row)
    return groups


def _aggregate(
    aggregate: Aggregate, labels: Sequence[Mapping[str, str]], values: Floats, by: Sequence[str]
) -> tuple[list[dict[str, str]], Floats]:
    groups = _groups(labels, by)
    return [dict(group) for group in groups], np.vstack([_join(aggregate, values[rows]) for rows in groups.values()])


def _join(aggregate: Aggregate, values: Floats) -> Floats:
    if aggregate is Aggregate.MAX:
        return np.asarray(np.fmax.reduce(values, axis=0))
    present = ~np.isnan(values)
    count = present.sum(axis=0)
    total = np.where(count > 0, np.where(present, values, 0.0).sum(axis=0), np.nan)
    return total if aggregate is Aggregate.SUM else total / np.maximum(count, 1)


def _quantiles(
    quantile: float, labels: Sequence[Mapping[str, str]], rates: Floats, by: Sequence[str]
) -> tuple[list[dict[str, str]], Floats]:
    bucketed = [(row, own["le"]) for row, own in enumerate(labels) if _is_number(own.get("le", ""))]
    kept_labels: list[dict[str, str]] = []
    kept_rows: list[Floats] = []
    groups = _groups([labels[row] for row, _ in bucketed], [label for label in by if label != "le"])
    for group, members in groups.items():
        bounds = np.array([float(bucketed[member][1]) for member in members])
        rows = rates[[bucketed[member][0] for member in members]]
        unique = np.unique(bounds)
        counts = np.vstack([_join(Aggregate.SUM, rows[bounds == bound]) for bound in unique])
        kept_labels.append(dict(group))
        kept_rows.append(histogram_quantile(quantile, unique, counts))
    return kept_labels, np.vstack(kept_rows) if kept_rows else np.empty((0, rates.shape[1]))


def _is_number(text: str) -> bool:
    try:
        return not np.isnan(float(text))
    except ValueError:
        return False
