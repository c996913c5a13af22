"""Series that fall silent, freeze or become restless."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.series.shapes import Departure, became_restless, fell_silent, froze
from core.frames import Floats

SIZE = 60
TIMES = np.arange(float(SIZE))
BASELINE = TIMES < 40
INSIDE = ~BASELINE
NOISE = np.random.default_rng(2).standard_normal(SIZE)
SMALL = st.lists(st.integers(-50, 50), min_size=SIZE, max_size=SIZE)


def silent(values: Floats) -> Departure | None:
    return fell_silent(TIMES, values, BASELINE, INSIDE)


def frozen(values: Floats) -> Departure | None:
    return froze(TIMES, values, BASELINE, INSIDE)


def restless(values: Floats, floor: float = 0.0) -> Departure | None:
    return became_restless(TIMES, values, BASELINE, INSIDE, floor, 3.0)


def test_a_series_that_never_was_zero_falls_silent() -> None:
    found = silent(np.where(TIMES < 45, 0.4 + 0.1 * np.abs(NOISE), 0.0))
    assert found is not None
    assert (found.onset.at, found.onset.uncertainty_seconds) == (45.0, 1.0)
    assert found.z > 3


def test_a_series_that_often_is_zero_does_not() -> None:
    assert silent(np.where((TIMES % 3 == 0) & (TIMES < 45), 1.0, 0.0)) is None


def test_silence_that_is_over_is_none() -> None:
    assert silent(np.where((TIMES >= 45) & (TIMES < 58), 0.0, 5 + NOISE)) is None


def test_a_series_that_always_moves_freezes() -> None:
    found = frozen(np.where(TIMES < 45, 10 + NOISE, 10.5))
    assert found is not None
    assert found.onset.at == 46.0
    assert frozen(10 + NOISE) is None


def test_a_gauge_that_moves_in_steps_does_not_freeze() -> None:
    assert frozen(np.floor(TIMES / 9)) is None


def test_a_series_that_never_moves_does_not_freeze() -> None:
    assert frozen(np.full(SIZE, 3.0)) is None


def test_a_wider_swing_is_found_with_its_onset() -> None:
    found = restless(NOISE * np.where(TIMES < 42, 1.0, 12.0))
    assert found is not None
    assert abs(found.onset.at - 42) <= found.onset.uncertainty_seconds + 1


@pytest.mark.parametrize("factor", [0.2, 1.0, 1.5])
def test_a_narrower_or_equal_swing_is_not(factor: float) -> None:
    assert restless(NOISE * np.where(TIMES < 42, 1.0, factor)) is None


def test_swings_below_the_floor_mean_nothing() -> None:
    values = NOISE * np.where(TIMES < 42, 1.0, 12.0)
    assert restless(values, floor=100.0) is None


def test_smoothed_noise_counts_as_few_samples() -> None:
    smooth = np.convolve(np.random.default_rng(4).standard_normal(SIZE + 20), np.ones(21) / 21, mode="valid")
    values = smooth * np.where(TIMES < 40, 1.0, 4.0)
    assert restless(values) is None


def test_healthy_noise_is_hardly_ever_anything() -> None:
    random = np.random.default_rng(9)
    found = [restless(random.standard_normal(SIZE)) or frozen(random.standard_normal(SIZE)) for _ in range(500)]
    assert sum(one is not None for one in found) <= 5


@given(values=SMALL, power=st.integers(-6, 6), shift=st.integers(-256, 256))
def test_shift_and_scale_change_nothing(values: list[int], power: int, shift: int) -> None:
    plain = np.array(values, dtype=np.float64)
    moved = (plain + shift) * 2.0**power
    for detector in (frozen, restless):
        before, after = detector(plain), detector(moved)
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert (before.index, before.onset) == (after.index, after.onset)
            assert before.z == pytest.approx(after.z)
    before, after = silent(plain), silent(plain * 2.0**power)
    assert (before is None) == (after is None)


@given(values=st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=SIZE), split=st.integers(0, SIZE))
def test_however_short_or_extreme_nothing_breaks(values: list[float], split: int) -> None:
    series = np.array(values)
    times = np.arange(float(series.size))
    before = times < split
    for found in (
        fell_silent(times, series, before, ~before),
        froze(times, series, before, ~before),
        became_restless(times, series, before, ~before, 0.0, 3.0),
    ):
        if found is not None:
            assert np.isfinite([found.z, found.onset.at, found.onset.uncertainty_seconds]).all()
            assert 0 <= found.index < series.size
