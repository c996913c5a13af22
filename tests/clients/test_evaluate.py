"""Rates, aggregates and quantiles over raw samples."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.evaluate import evaluate, histogram_quantile, increase, instant
from clients.series import History, series_key
from core.errors import SourceRejected
from core.frames import Aggregate, Floats, Frame, Function, MetricQuery
from core.models import Window

NAN = math.nan
STALE_SECONDS = 2.5


def row(*values: float) -> Floats:
    return np.array([values], dtype=np.float64)


def seconds(count: int) -> Floats:
    return np.arange(count, dtype=np.float64)


def ask(history: History, end: float, **fields: object) -> Frame:
    window = Window(start=datetime.fromtimestamp(0, UTC), end=datetime.fromtimestamp(end, UTC))
    query = MetricQuery.model_validate({"metric": "m", "window": window, "step_seconds": 1, **fields})
    return evaluate(query, history, STALE_SECONDS)


def test_an_instant_value_is_the_latest_round_unless_that_is_stale() -> None:
    got = instant(np.array([0.0, 1.0]), row(5, 6), np.array([-1.0, 0.5, 1.0, 3.5, 3.6]), STALE_SECONDS)
    np.testing.assert_array_equal(got, row(NAN, 5, 6, 6, NAN))


def test_a_round_without_a_sample_hides_older_ones() -> None:
    got = instant(seconds(3), row(1, NAN, 3), seconds(3), STALE_SECONDS)
    np.testing.assert_array_equal(got, row(1, NAN, 3))


def test_rate_is_increase_over_the_time_between_samples_without_extrapolation() -> None:
    grown, elapsed = increase(seconds(5), row(0, 10, 20, 30, 40), seconds(5), 3.0, STALE_SECONDS)
    np.testing.assert_array_equal(grown, row(NAN, 10, 20, 20, 20))
    np.testing.assert_array_equal(elapsed, row(NAN, 1, 2, 2, 2))


def test_a_counter_reset_counts_from_zero() -> None:
    grown, _ = increase(seconds(4), row(100, 110, 3, 5), np.array([3.0]), 10.0, STALE_SECONDS)
    np.testing.assert_array_equal(grown, row(10 + 3 + 2))


def test_missing_samples_in_between_do_not_matter_but_a_series_that_ended_has_no_rate() -> None:
    grown, elapsed = increase(seconds(5), row(0, NAN, NAN, 30, NAN), seconds(5), 10.0, STALE_SECONDS)
    np.testing.assert_array_equal(grown, row(NAN, NAN, NAN, 30, NAN))
    np.testing.assert_array_equal(elapsed, row(NAN, NAN, NAN, 3, NAN))


def test_aggregates_leave_out_series_without_a_value() -> None:
    keys = tuple(
        series_key("m", {"job": job, "code": code}) for job, code in (("a", "200"), ("a", "500"), ("b", "200"))
    )
    history = History(keys, seconds(3), np.array([[1, 2, NAN], [3, NAN, NAN], [5, 6, 7]], dtype=np.float64))

    def values(aggregate: Aggregate) -> dict[str, list[float]]:
        frame = ask(history, 2, aggregate=aggregate, by=("job",))
        return {labels["job"]: row.tolist() for labels, row in zip(frame.labels, frame.values, strict=True)}

    np.testing.assert_equal(values(Aggregate.SUM), {"a": [4, 2, NAN], "b": [5, 6, 7]})
    np.testing.assert_equal(values(Aggregate.MAX), {"a": [3, 2, NAN], "b": [5, 6, 7]})
    np.testing.assert_equal(values(Aggregate.AVG), {"a": [2, 2, NAN], "b": [5, 6, 7]})


def test_without_an_aggregate_every_series_keeps_its_labels_but_not_its_name() -> None:
    frame = ask(History((series_key("m", {"job": "a"}),), seconds(2), row(1, 2)), 1)
    assert frame.labels == ({"job": "a"},)


def test_no_series_gives_an_empty_frame_on_the_grid() -> None:
    frame = ask(History((), seconds(0), np.empty((0, 0))), 4, function=Function.RATE, aggregate=Aggregate.SUM)
    assert frame.values.shape == (0, 5)


@pytest.mark.parametrize(
    ("quantile", "expected"),
    [
        (0.5, 1.0),  # rank 5 of 10: the bucket (0, 1] holds exactly five
        (0.25, 0.5),  # halfway into the first bucket, which starts at 0
        (0.8, 2.0),  # rank 8: the end of (1, 2]
        (0.65, 1.5),
        (0.99, 2.0),  # in +Inf: the highest finite bound
    ],
)
def test_histogram_quantile_interpolates_as_prometheus_documents(quantile: float, expected: float) -> None:
    got = histogram_quantile(quantile, np.array([1.0, 2.0, np.inf]), np.array([[5.0], [8.0], [10.0]]))
    assert got.tolist() == pytest.approx([expected])


def test_histogram_quantile_of_nothing_is_nan() -> None:
    counts = np.array([[0.0, NAN], [0.0, NAN]])
    assert np.isnan(histogram_quantile(0.5, np.array([1.0, np.inf]), counts)).all()
    assert np.isnan(histogram_quantile(0.5, np.array([1.0, 2.0]), np.ones((2, 1)))).all(), "no +Inf bucket"


def test_a_quantile_query_joins_the_buckets_of_all_instances_of_a_group() -> None:
    buckets = {("x", "1"): 5.0, ("x", "+Inf"): 5.0, ("y", "1"): 0.0, ("y", "+Inf"): 5.0}
    keys = tuple(series_key("m_bucket", {"job": "a", "instance": i, "le": le}) for i, le in buckets)
    history = History(keys, seconds(2), np.array([[0.0, count] for count in buckets.values()]))

    frame = ask(history, 1, function=Function.QUANTILE, quantile=0.25, by=("job",), rate_window_seconds=10)

    assert frame.labels == ({"job": "a"},)
    np.testing.assert_allclose(frame.values, row(NAN, 0.5))
    with pytest.raises(SourceRejected, match="needs its quantile"):
        ask(history, 1, function=Function.QUANTILE)


samples = st.lists(st.one_of(st.just(NAN), st.floats(min_value=0, max_value=1e15)), min_size=1, max_size=30)


@given(samples, st.floats(min_value=0.5, max_value=40))
def test_a_rate_is_never_negative_and_elapsed_never_zero_whatever_resets_and_gaps(
    values: list[float], window_seconds: float
) -> None:
    times = seconds(len(values))
    grown, elapsed = increase(times, row(*values), times, window_seconds, STALE_SECONDS)
    assert np.array_equal(np.isnan(grown), np.isnan(elapsed))
    assert (grown[~np.isnan(grown)] >= 0).all()
    assert (elapsed[~np.isnan(elapsed)] > 0).all()
    assert np.isnan(grown[0, np.isnan(values)]).all()


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=12),
    st.sampled_from(list(Function)),
    st.sampled_from(list(Aggregate)),
)
def test_any_samples_evaluate_without_an_error_or_warning(
    values: list[float], function: Function, aggregate: Aggregate
) -> None:
    keys = tuple(series_key("m", {"le": le}) for le in ("0.1", "1", "+Inf", "nonsense"))
    history = History(keys, seconds(len(values)), np.array([values] * len(keys)))
    frame = ask(history, 12, function=function, aggregate=aggregate, quantile=0.9, by=("job",))
    assert frame.values.shape == (len(frame.labels), 13)


@given(
    st.lists(st.floats(min_value=0, max_value=1e6), min_size=2, max_size=8),
    st.floats(min_value=0, max_value=1),
    st.floats(min_value=0, max_value=1),
)
def test_quantiles_grow_with_q_and_stay_inside_the_finite_bounds(counts: list[float], one: float, two: float) -> None:
    bounds = np.array([*range(1, len(counts)), np.inf], dtype=np.float64)
    cumulative = np.cumsum(counts)[:, None]
    low, high = (histogram_quantile(q, bounds, cumulative)[0] for q in sorted((one, two)))
    if not (np.isnan(low) or np.isnan(high)):
        assert 0 <= low <= high + 1e-9
        assert high <= bounds[-2]
