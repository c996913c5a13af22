"""Median, MAD and robust z."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.config import AnalysisConfig, Floor
from analysis.series.baselines import Baseline, clean, fit, fit_before, robust_z
from analysis.view import SignalFrame
from core.models import Signal
from tests.analysis.shop import BASELINE, WINDOW

SAMPLES = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40)


def frame(times: list[float], values: list[float]) -> SignalFrame:
    return SignalFrame("cart", Signal.CPU, "cpu", "cores", np.array(times), np.array(values), "ev")


def test_half_of_the_samples_may_be_wrong() -> None:
    values = np.array([1.0, 1.1, 0.9, 1.0, 1.2, 500.0, 700.0])
    baseline = fit(values, Floor())
    assert baseline is not None
    assert baseline.median == pytest.approx(1.1)
    assert baseline.scale < 1


def test_a_flat_series_is_given_the_floor() -> None:
    baseline = fit(np.full(10, 2.0), Floor(absolute=0.05, relative=0.1))
    assert baseline == Baseline(median=2.0, scale=0.2, samples=10)


def test_without_scale_only_equal_samples_are_normal() -> None:
    z = robust_z(np.array([1.0, 1.5, 0.0]), Baseline(1.0, 0.0, 9), cap=100)
    assert z.tolist() == [0.0, 100.0, -100.0]


def test_nothing_has_no_baseline() -> None:
    assert fit(np.array([]), Floor()) is None


def test_samples_of_the_analysed_window_are_no_baseline() -> None:
    times = np.array([BASELINE.start.timestamp(), WINDOW.start.timestamp(), WINDOW.end.timestamp()])
    overlapping = BASELINE.model_copy(update={"end": WINDOW.end})
    baseline = fit_before(times, np.array([1.0, 9.0, 9.0]), overlapping, WINDOW, Floor())
    assert baseline is not None
    assert (baseline.median, baseline.samples) == (1.0, 1)


def test_samples_are_sorted_and_the_last_of_a_time_wins() -> None:
    times, values = clean(frame([2.0, 1.0, 2.0, np.nan, 3.0], [5.0, 1.0, 7.0, 1.0, np.inf]))
    assert times.tolist() == [1.0, 2.0]
    assert values.tolist() == [1.0, 7.0]


@given(values=SAMPLES, shift=st.floats(-1e3, 1e3), scale=st.floats(0.1, 100))
def test_without_a_floor_z_knows_neither_shift_nor_scale(values: list[float], shift: float, scale: float) -> None:
    series = np.round(np.array(values), 2)
    baseline, moved = fit(series, Floor()), fit(series * scale + shift, Floor())
    assert baseline is not None
    assert moved is not None
    if baseline.scale < 1e-2:
        return
    before, after = robust_z(series, baseline, 1e3), robust_z(series * scale + shift, moved, 1e3)
    assert np.allclose(before, after, atol=1e-3)


@given(values=SAMPLES, floor=st.floats(0, 1e3))
def test_a_higher_floor_never_makes_a_deviation_larger(values: list[float], floor: float) -> None:
    series = np.array(values)
    low, high = fit(series, Floor(absolute=1e-3)), fit(series, Floor(absolute=1e-3 + floor))
    assert low is not None
    assert high is not None
    assert (np.abs(robust_z(series, high, 100)) <= np.abs(robust_z(series, low, 100)) + 1e-9).all()


def test_a_config_that_holds_no_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="shorten step_seconds"):
        AnalysisConfig(window_seconds=10, step_seconds=15)
    with pytest.raises(ValueError, match="shorten step_seconds"):
        AnalysisConfig(window_seconds=60, baseline_seconds=60)


def test_floors_that_are_left_out_keep_their_default() -> None:
    config = AnalysisConfig(floors={Signal.CPU: Floor(absolute=0.5)})
    assert config.floor(Signal.CPU).absolute == 0.5
    assert config.floor(Signal.ERRORS) == AnalysisConfig().floor(Signal.ERRORS)
