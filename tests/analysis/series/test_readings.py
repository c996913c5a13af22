"""How a series leaves its baseline: shapes, onsets, and series that are hardly one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.series.onset import find_onset
from analysis.series.readings import read
from analysis.view import SignalFrame
from core.frames import Floats
from core.models import Shape, Signal
from tests.analysis.shop import BASELINE, CONFIG, END, WINDOW

TIMES = np.arange(BASELINE.start.timestamp(), END.timestamp() + 0.25, CONFIG.step_seconds)
AGE = END.timestamp() - TIMES
ANYTHING = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf, 1e308])
)


def frame(values: Floats, signal: Signal = Signal.ERRORS, times: Floats = TIMES) -> SignalFrame:
    return SignalFrame("cart", signal, "metric", "unit", times, values, "ev")


def shape_of(values: Floats, signal: Signal = Signal.ERRORS) -> Shape | None:
    return read(frame(values, signal), WINDOW, BASELINE, CONFIG).shape


def test_a_lasting_rise_is_a_level_shift_with_its_onset() -> None:
    reading = read(frame(np.where(AGE <= 4, 0.5, 0.0)), WINDOW, BASELINE, CONFIG)
    assert reading.shape is Shape.LEVEL_SHIFT
    assert reading.current == 0.5
    assert reading.onset is not None
    assert reading.onset.at == END.timestamp() - 4
    assert reading.onset.uncertainty_seconds == CONFIG.step_seconds


def test_a_rise_that_is_over_is_a_spike() -> None:
    reading = read(frame(np.where((AGE <= 6) & (AGE >= 4), 0.5, 0.0)), WINDOW, BASELINE, CONFIG)
    assert (reading.shape, reading.current) == (Shape.SPIKE, 0.5)


def test_an_onset_before_the_window_is_followed_back() -> None:
    reading = read(frame(np.where(AGE <= 9, 0.5, 0.0)), WINDOW, BASELINE, CONFIG)
    assert reading.onset is not None
    assert reading.onset.at == END.timestamp() - 9


@pytest.mark.parametrize("samples", [1, 2])
def test_a_sample_or_two_in_a_window_are_noise(samples: int) -> None:
    values = np.zeros(TIMES.size)
    values[-samples:] = 1.0
    assert shape_of(values) is None


def test_fewer_errors_and_less_latency_are_good_news() -> None:
    assert shape_of(np.where(AGE <= 5, 0.0, 0.5)) is None
    assert shape_of(np.where(AGE <= 5, 0.01, 3.0), Signal.LATENCY) is None


def test_traffic_that_falls_is_a_drop() -> None:
    assert shape_of(np.where(AGE <= 5, 1.0, 30.0), Signal.TRAFFIC) is Shape.DROP


@pytest.mark.parametrize("signal", [Signal.CPU, Signal.MEMORY, Signal.TRAFFIC])
def test_samples_that_end_are_missing(signal: Signal) -> None:
    reading = read(frame(np.where(AGE <= 5, np.nan, 30.0), signal), WINDOW, BASELINE, CONFIG)
    assert reading.shape is Shape.MISSING
    assert reading.onset is not None
    assert reading.onset.at == pytest.approx(END.timestamp() - 5)


@pytest.mark.parametrize("signal", [Signal.ERRORS, Signal.LATENCY])
def test_ratios_without_traffic_are_not_missing(signal: Signal) -> None:
    assert shape_of(np.where(AGE <= 5, np.nan, 0.02), signal) is None


def test_down_needs_no_baseline() -> None:
    assert shape_of(np.zeros(TIMES.size), Signal.UP) is Shape.ABSENT_UP


def test_one_failed_scrape_is_not_down() -> None:
    values = np.ones(TIMES.size)
    values[-1] = 0.0
    assert shape_of(values, Signal.UP) is None


def test_a_service_that_came_back_is_not_down() -> None:
    assert shape_of(np.where((AGE < 6) & (AGE > 4), 0.0, 1.0), Signal.UP) is None


def test_a_service_that_flaps_is_down() -> None:
    values = np.ones(TIMES.size)
    values[-10::2] = 0.0
    assert shape_of(values, Signal.UP) is Shape.ABSENT_UP


def test_samples_after_the_window_are_not_looked_at() -> None:
    later = np.concatenate([TIMES, TIMES[-1] + np.arange(1, 10)])
    values = np.concatenate([np.zeros(TIMES.size), np.ones(9)])
    assert read(frame(values, times=later), WINDOW, BASELINE, CONFIG).shape is None


def test_a_short_baseline_makes_no_finding() -> None:
    values = np.where(AGE <= 5, 0.9, np.nan)
    values[:3] = 0.0
    assert shape_of(values) is None


@given(values=st.lists(ANYTHING, max_size=60), signal=st.sampled_from(list(Signal)))
def test_whatever_comes_in_nothing_breaks_and_all_is_finite(values: list[float], signal: Signal) -> None:
    series = np.array(values)
    reading = read(frame(series, signal, TIMES[-series.size :] if series.size else TIMES[:0]), WINDOW, BASELINE, CONFIG)
    for number in (reading.current, reading.deviation):
        assert number is None or math.isfinite(number)
    assert (reading.shape is None) == (reading.onset is None)


@given(times=st.lists(ANYTHING, min_size=1, max_size=40), signal=st.sampled_from(list(Signal)))
def test_whatever_the_times_nothing_breaks(times: list[float], signal: Signal) -> None:
    reading = read(frame(np.zeros(len(times)), signal, np.array(times)), WINDOW, BASELINE, CONFIG)
    assert reading.onset is None or BASELINE.start.timestamp() <= reading.onset.at <= END.timestamp()


@given(value=st.floats(-1e9, 1e9), signal=st.sampled_from([one for one in Signal if one is not Signal.UP]))
def test_a_constant_series_is_normal(value: float, signal: Signal) -> None:
    assert shape_of(np.full(TIMES.size, value), signal) is None


@given(shift=st.floats(0, 0.5))
def test_a_shift_of_the_whole_series_changes_nothing(shift: float) -> None:
    values = np.where(AGE <= 4, 0.4, 0.0)
    assert shape_of(values + shift) is shape_of(values)


def test_without_a_long_run_the_first_unusual_sample_is_the_onset() -> None:
    times = np.arange(6.0)
    found = find_onset(times, np.array([False, False, True, False, True, False]), 0.0, 2)
    assert found is not None
    assert (found[0], found[1].at, found[1].uncertainty_seconds) == (2, 2.0, 1.0)


def test_without_unusual_samples_there_is_no_onset() -> None:
    assert find_onset(np.arange(3.0), np.zeros(3, dtype=bool), 0.0, 2) is None
