"""The robust line: its slope, its interval, when it began, and what is no steady rise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.series.trends import MAX_POINTS, MIN_POINTS, fit_line, steady_rise, thinned
from core.frames import Floats

NUMBERS = st.lists(st.integers(-1000, 1000), min_size=1, max_size=80)
TIMES = np.arange(60.0)
NOISE = np.random.default_rng(5).standard_normal(60)


def series(values: list[int]) -> tuple[Floats, Floats]:
    return np.arange(float(len(values))), np.array(values, dtype=np.float64)


@pytest.mark.parametrize("wrong_share", [0.0, 0.1, 0.25])
def test_a_quarter_of_the_samples_may_be_wrong(wrong_share: float) -> None:
    values = 3 * TIMES + NOISE
    wrong = np.random.default_rng(1).random(60) < wrong_share
    line = fit_line(TIMES, np.where(wrong, -500.0, values))
    assert line is not None
    assert line.slope == pytest.approx(3, abs=0.25)
    assert line.level == pytest.approx(3 * 59, abs=10)


@pytest.mark.parametrize("alike", [0.0, 0.6])
def test_the_interval_holds_the_slope_as_often_as_it_says(alike: float) -> None:
    random = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        noise = np.zeros(60)
        for index in range(1, 60):
            noise[index] = alike * noise[index - 1] + random.standard_normal()
        line = fit_line(TIMES, 0.1 * TIMES + noise)
        assert line is not None
        held += line.low <= 0.1 <= line.high
    assert held >= 0.8 * 200


def test_a_rise_that_began_in_the_middle_is_dated() -> None:
    rise = steady_rise(TIMES, np.maximum(TIMES - 40, 0) * 5 + NOISE)
    assert rise is not None
    assert abs(rise.onset - 40) <= rise.uncertainty_seconds + 1
    assert rise.uncertainty_seconds < 6
    assert rise.low <= 5 <= rise.high


def test_a_rise_as_old_as_the_series_began_nobody_knows_when() -> None:
    rise = steady_rise(TIMES, 2 * TIMES + NOISE)
    assert rise is not None
    assert (rise.onset, rise.uncertainty_seconds) == (0.0, 59.0)
    assert rise.rise == pytest.approx(118, abs=5)


@pytest.mark.parametrize(
    "values",
    [
        np.where(TIMES < 30, 0.0, 50.0) + NOISE,
        50 * (1 - np.exp(-TIMES / 8)) + NOISE,
        np.where(TIMES < 50, 2 * TIMES, 0.0) + NOISE,
        10 * np.sin(TIMES / 3) + NOISE,
        np.full(60, 7.0),
        -2 * TIMES + NOISE,
        NOISE,
    ],
    ids=["step", "warming up", "fell back", "waves", "constant", "falling", "noise"],
)
def test_what_is_no_steady_rise(values: Floats) -> None:
    assert steady_rise(TIMES, values) is None


def test_a_counter_that_is_reset_at_the_end_does_not_rise_and_one_that_was_reset_before_does() -> None:
    assert steady_rise(TIMES, np.where(TIMES < 56, 5 * TIMES, 0.0)) is None
    again = steady_rise(TIMES, np.where(TIMES < 20, 5 * TIMES, 5 * (TIMES - 20)))
    assert again is not None
    assert again.start >= 20
    assert again.slope == pytest.approx(5)


@given(values=NUMBERS, shift=st.integers(-512, 512), power=st.integers(-4, 6), later=st.integers(0, 4096))
def test_shift_and_scale_change_nothing_but_the_unit(values: list[int], shift: int, power: int, later: int) -> None:
    times, plain = series(values)
    scale = 2.0**power
    before, after = fit_line(times, plain), fit_line(times + later, plain * scale + shift * scale)
    assert (before is None) == (after is None) == (len(values) < MIN_POINTS)
    if before is None or after is None:
        return
    assert after.slope == pytest.approx(before.slope * scale, abs=1e-9)
    assert (after.low, after.high) == pytest.approx((before.low * scale, before.high * scale), abs=1e-9)
    assert after.level == pytest.approx((before.level + shift) * scale, abs=1e-6)


@given(values=NUMBERS)
def test_the_interval_holds_the_slope_and_the_onset_is_within_the_series(values: list[int]) -> None:
    times, plain = series(values)
    line, rise = fit_line(times, plain), steady_rise(times, plain)
    if line is not None:
        assert line.low <= line.slope <= line.high
    if rise is not None:
        assert 0 < rise.low <= rise.slope
        assert times[0] <= rise.onset <= times[-1]
        assert 0 <= rise.uncertainty_seconds <= times[-1] - times[0]


@given(values=st.lists(st.floats(-1e150, 1e150), max_size=70), step=st.sampled_from([1e-6, 1.0, 1e6]))
def test_whatever_comes_in_all_is_finite(values: list[float], step: float) -> None:
    line = fit_line(step * np.arange(float(len(values))), np.array(values))
    if line is not None:
        numbers = [line.slope, line.low, line.high, line.level, line.noise, line.level_error]
        assert np.isfinite(numbers).all()


@given(size=st.integers(0, 1000))
def test_long_series_are_thinned_and_short_ones_are_not(size: int) -> None:
    times, values = thinned(np.arange(float(size)), np.arange(float(size)))
    assert times.size == values.size <= MAX_POINTS
    assert size > MAX_POINTS or times.size == size
    assert np.allclose(times, values)
