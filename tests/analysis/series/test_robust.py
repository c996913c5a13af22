"""Order statistics of many series at once, against numpy's of one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.series.robust import Ordered, finite, median_and_mad, median_of

ANYTHING = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([np.nan, np.inf, -np.inf, 1e308]))
ROWS = st.integers(0, 12).flatmap(
    lambda size: st.lists(st.lists(ANYTHING, min_size=size, max_size=size), min_size=1, max_size=5)
)


@given(rows=ROWS, share=st.floats(0, 1))
def test_quantiles_are_those_of_numpy(rows: list[list[float]], share: float) -> None:
    values = finite(np.array(rows, dtype=np.float64).reshape(len(rows), -1))
    ordered = Ordered.of(values)
    for row, found, count in zip(values, ordered.quantile(share), ordered.counts, strict=True):
        known = row[~np.isnan(row)]
        assert count == known.size
        if known.size:
            assert np.isclose(found, np.quantile(known, share), rtol=1e-9, atol=1e-9)
        else:
            assert np.isnan(found)


def test_what_is_no_number_or_overflows_is_no_sample() -> None:
    known = finite(np.array([1.0, np.nan, np.inf, -np.inf, 1e308]))
    assert known[0] == 1.0
    assert np.isnan(known[1:]).all()


def test_series_without_samples_have_no_median() -> None:
    median, deviation, counts = median_and_mad(np.array([[np.nan, np.nan], [1.0, 3.0]]))
    assert np.isnan([median[0], deviation[0]]).all()
    assert (median[1], deviation[1], counts.tolist()) == (2.0, 1.0, [0, 2])
    assert median_and_mad(np.empty((2, 0)))[2].tolist() == [0, 0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_the_quick_median_is_the_median(values: list[float]) -> None:
    assert np.isclose(median_of(np.array(values)), np.median(values), rtol=1e-12, atol=1e-12)
