"""Sliding windows and changes of level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.series.baselines import Baseline
from analysis.series.changepoints import CUT, find_changes
from analysis.series.windows import filled, running, window_deviations, window_means

ONE = Baseline(median=0.0, scale=1.0, samples=9)


@given(
    gaps=st.lists(st.floats(1, 90), min_size=2, max_size=40),
    seconds=st.sampled_from([60.0, 300.0, 900.0]),
    seed=st.integers(0, 99),
)
def test_a_window_is_the_mean_of_its_samples(gaps: list[float], seconds: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    times = np.cumsum(gaps)
    values = np.where(random.random((2, times.size)) < 0.3, np.nan, random.normal(size=(2, times.size)))
    known, counts = filled(values)
    first = times.size // 2
    means = window_means(times, running(known), counts, first, seconds)
    for row in range(2):
        for end in range(first, times.size):
            inside = values[row, (times > times[end] - seconds) & (times <= times[end])]
            expected = np.nanmean(inside) if np.isfinite(inside).any() else 0.0
            assert means[row, end - first] == pytest.approx(expected, abs=1e-9)


def test_only_windows_that_are_reached_back_through_are_told() -> None:
    times = np.arange(0.0, 400.0, 20.0)
    told = window_deviations(times, np.where(times >= 340, 4.0, 0.0), ONE, 100.0)
    assert [(each.seconds, each.deviation) for each in told] == [(60.0, 4.0), (300.0, 0.8)]


@pytest.mark.parametrize("samples", [0, 1])
def test_a_sample_is_no_window(samples: int) -> None:
    assert window_deviations(np.zeros(samples), np.ones(samples), ONE, 100.0) == ()


@given(at=st.integers(5, 35), size=st.floats(2.5, 6.0), seed=st.integers(0, 50))
def test_a_change_of_level_is_found_where_it_is(at: int, size: float, seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (1, 40))
    deviations = np.where(np.arange(40) >= at, noise + size, noise)
    known, counts = filled(deviations)
    changes = find_changes(running(np.clip(known, -CUT, CUT)), counts)
    assert abs(int(changes.column[0]) - at) <= 1
    assert changes.size[0] == pytest.approx(size, abs=0.7)
    assert changes.strength[0] > 4


@pytest.mark.parametrize("row", [[], [1.0], [np.nan] * 9, [3.0] * 9, [np.nan] * 8 + [5.0]])
def test_without_two_levels_nothing_changed(row: list[float]) -> None:
    known, counts = filled(np.array([row], dtype=np.float64).reshape(1, -1))
    changes = find_changes(running(known), counts)
    assert (changes.column[0], changes.size[0], changes.strength[0]) == (0, 0, 0)
