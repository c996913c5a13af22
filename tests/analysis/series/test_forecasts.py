"""When a limit is reached, and how well that is known."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.config import AnalysisConfig
from analysis.series.forecasts import forecast
from analysis.series.trends import Trend, fit_line

CONFIG = AnalysisConfig(forecast_spans=4)
TIMES = np.arange(0.0, 600.0, 10.0)


def line(slope: float = 2.0, noise: float = 0.0) -> Trend:
    fitted = fit_line(TIMES, slope * TIMES + noise * np.random.default_rng(3).standard_normal(TIMES.size))
    assert fitted is not None
    return fitted


def seconds(at: datetime) -> float:
    return (at - datetime.fromtimestamp(0, UTC)).total_seconds()


def test_the_expected_time_is_where_the_line_meets_the_limit() -> None:
    found = forecast(line(), 2000.0, CONFIG)
    assert found is not None
    assert seconds(found.at) == pytest.approx(1000, abs=0.01)
    assert found.latest is not None
    assert found.earliest <= found.at <= found.latest


def test_noise_widens_the_interval_around_the_truth() -> None:
    sharp, blurred = forecast(line(noise=5), 2000.0, CONFIG), forecast(line(noise=100), 2000.0, CONFIG)
    assert sharp is not None
    assert blurred is not None
    assert sharp.latest is not None
    assert blurred.latest is not None
    assert seconds(sharp.earliest) <= 1000 <= seconds(sharp.latest)
    assert seconds(blurred.earliest) <= 1000 <= seconds(blurred.latest)
    assert blurred.latest - blurred.earliest > sharp.latest - sharp.earliest


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        fitted = fit_line(TIMES, 2 * TIMES + 60 * random.standard_normal(TIMES.size))
        assert fitted is not None
        found = forecast(fitted, 2000.0, CONFIG)
        assert found is not None
        held += seconds(found.earliest) <= 1000 and (found.latest is None or seconds(found.latest) >= 1000)
    assert held >= 0.85 * 200


def test_what_is_further_ahead_than_the_past_allows_is_not_told() -> None:
    assert forecast(line(), 2 * 590 * 4.9, CONFIG) is not None
    assert forecast(line(), 2 * 590 * 5.2, CONFIG) is None


def test_a_limit_that_was_passed_is_reached_now() -> None:
    found = forecast(line(), 100.0, CONFIG)
    assert found is not None
    assert seconds(found.at) == seconds(found.earliest) == 590


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_what_does_not_rise_reaches_nothing(slope: float) -> None:
    assert forecast(line(slope), 2000.0, CONFIG) is None


def test_a_slope_that_may_be_none_has_no_latest_time() -> None:
    fitted = line(0.2, noise=400)
    assert fitted.low < 0 < fitted.slope
    found = forecast(fitted, fitted.level + fitted.slope * 100, CONFIG)
    assert found is not None
    assert found.latest is None


@given(limit=st.floats(1, 1e15), slope=st.floats(-1e3, 1e9), power=st.integers(-8, 8))
def test_the_unit_does_not_matter_and_the_order_holds(limit: float, slope: float, power: int) -> None:
    scale = 2.0**power
    fitted, scaled = line(slope), line(slope * scale)
    found, other = forecast(fitted, limit, CONFIG), forecast(scaled, limit * scale, CONFIG)
    assert (found is None) == (other is None)
    if found is not None and other is not None:
        assert found.earliest <= found.at
        assert found.latest is None or found.at <= found.latest
        assert seconds(found.at) == pytest.approx(seconds(other.at), abs=0.01)
