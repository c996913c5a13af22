"""Normals from days of history: the most alike part that holds enough samples and is still true."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.config import AnalysisConfig
from analysis.digests import series_digest
from analysis.recovery import normal_of
from analysis.series.history import LONGEST_DAYS, usual_before
from analysis.series.prefilter import worth_a_look
from analysis.series.readings import read
from analysis.view import SignalFrame
from core.frames import Floats, SeriesBaseline
from core.models import Past, Shape, Signal, Usual
from tests.analysis.shop import BASELINE, CONFIG, END, WINDOW, Shop

STEP = 900.0
DAY = 96
TIMES = np.arange(LONGEST_DAYS * DAY) * STEP


def series(noise: float = 1.0, weekend: float = 0.0, seed: int = 3) -> Floats:
    """A daily wave around 50, lowest at midnight, which is when the history ends; lower on one day of the week."""
    wave = 50 - 30 * np.cos(2 * np.pi * TIMES / 86400)
    quiet = (TIMES // 86400 % 7 == LONGEST_DAYS % 7) * weekend
    return wave - quiet + noise * np.random.default_rng(seed).normal(size=TIMES.size)


def usual(values: Floats, signal: Signal = Signal.TRAFFIC) -> dict[Past, Usual]:
    (found,) = usual_before(values[None, :], STEP, signal, AnalysisConfig())
    return {one.past: one for one in found}


def test_the_same_hour_of_the_week_comes_first() -> None:
    found = usual(series())
    assert list(found) == [Past.SAME_HOUR_OF_WEEK, Past.SAME_HOUR, Past.LAST_DAY]
    assert found[Past.SAME_HOUR].median == pytest.approx(20, abs=1)
    assert found[Past.SAME_HOUR].spread < 2
    assert found[Past.LAST_DAY].median == pytest.approx(50, abs=4)
    assert found[Past.LAST_DAY].spread > 20
    for one in found.values():
        assert one.low <= one.median <= one.high


def test_some_days_are_enough_for_the_hour_and_one_for_the_day() -> None:
    values = series()
    values[: -4 * DAY] = np.nan
    assert list(usual(values)) == [Past.SAME_HOUR, Past.LAST_DAY]
    values[: -2 * DAY] = np.nan
    assert list(usual(values)) == [Past.LAST_DAY]
    values[: -DAY // 3] = np.nan
    assert usual(values) == {}


def test_an_hour_in_which_most_samples_are_missing_does_not_count() -> None:
    values = series()
    for day in range(1, 6):
        values[-day * DAY - 2 : -day * DAY + 1] = np.nan
    assert list(usual(values)) == [Past.SAME_HOUR_OF_WEEK, Past.LAST_DAY]


def test_a_level_that_lasts_for_most_of_a_day_is_the_new_normal() -> None:
    values = series()
    values[-DAY:] += 40
    assert list(usual(values)) == [Past.LAST_DAY]
    values[-DAY : -DAY // 3] -= 40
    assert Past.SAME_HOUR in usual(values)


def test_an_incident_yesterday_at_this_hour_is_forgiven() -> None:
    values = series()
    values[-DAY - 2 : -DAY + 2] += 500
    assert usual(values)[Past.SAME_HOUR].median == pytest.approx(20, abs=1)


def test_latencies_have_their_spread_on_a_logarithm() -> None:
    latencies = np.exp(np.random.default_rng(1).normal(size=TIMES.size))
    doubled = usual(100 * latencies, Signal.LATENCY)[Past.LAST_DAY]
    assert usual(1000 * latencies, Signal.LATENCY)[Past.LAST_DAY].spread == pytest.approx(doubled.spread, rel=0.01)


@settings(max_examples=40)
@given(
    pieces=st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0, -5.0, 1e308, 1e-9]), min_size=1, max_size=9),
    days=st.integers(0, LONGEST_DAYS),
    signal=st.sampled_from([Signal.CPU, Signal.LATENCY]),
)
def test_whatever_comes_in_a_normal_is_a_number(pieces: list[float], days: int, signal: Signal) -> None:
    values = np.resize(np.array(pieces), days * DAY)
    for one in usual(values, signal).values():
        assert np.isfinite([one.median, one.spread, one.low, one.high]).all()
        assert one.samples > 0


@settings(max_examples=30)
@given(shift=st.floats(-40, 1e3), scale=st.floats(0.5, 50))
def test_shift_and_scale_carry_over(shift: float, scale: float) -> None:
    values = series()
    before, after = usual(values)[Past.SAME_HOUR], usual(values * scale + shift)[Past.SAME_HOUR]
    assert after.median == pytest.approx(before.median * scale + shift, rel=1e-3, abs=1e-3)
    assert after.spread == pytest.approx(before.spread * scale, rel=1e-3)


def frame(history: SeriesBaseline | None) -> SignalFrame:
    """Errors that are at 30% throughout."""
    shop = Shop()
    shop.values["orders", Signal.ERRORS] = np.full(shop.times.size, 0.3)
    found = next(one for one in shop.view().signals if (one.service, one.signal) == ("orders", Signal.ERRORS))
    return replace(found, history=history)


def history(median: float, minutes_before: float = 0.0) -> SeriesBaseline:
    until = WINDOW.start - timedelta(minutes=minutes_before)
    one = Usual(past=Past.SAME_HOUR, median=median, spread=0.01, low=median, high=median, samples=84)
    return SeriesBaseline(until=until, usual=(one,))


def test_history_decides_where_there_is_enough_of_it() -> None:
    assert read(frame(None), WINDOW, BASELINE, CONFIG).shape is None
    assert read(frame(history(0.3)), WINDOW, BASELINE, CONFIG).shape is None
    assert read(frame(history(0.0)), WINDOW, BASELINE, CONFIG).shape is Shape.LEVEL_SHIFT
    assert read(frame(SeriesBaseline(until=WINDOW.start)), WINDOW, BASELINE, CONFIG).shape is None


def test_history_that_reaches_into_the_window_does_not_count() -> None:
    later = history(0.0, minutes_before=-1)
    assert later.until < END + timedelta(hours=1)
    assert read(frame(later), WINDOW, BASELINE, CONFIG).shape is None


@settings(max_examples=60)
@given(
    values=st.lists(st.sampled_from([0.0, 0.3, np.nan, 5.0, np.inf]), max_size=45),
    late=st.booleans(),
    signal=st.sampled_from([one for one in Signal if one not in (Signal.LOGS, Signal.STATE)]),
    median=st.sampled_from([0.0, 0.3, 2e8]),
)
def test_a_series_with_more_history_than_samples_can_be_read(
    values: list[float], late: bool, signal: Signal, median: float
) -> None:
    end = END.timestamp() if late else WINDOW.start.timestamp() - 1
    times = end - CONFIG.step_seconds * np.arange(len(values), dtype=np.float64)[::-1]
    given_frame = replace(frame(history(median)), signal=signal, times=times, values=np.array(values, dtype=np.float64))
    reading = read(given_frame, WINDOW, BASELINE, CONFIG)
    assert (reading.shape is None) == (reading.onset is None)
    assert worth_a_look([given_frame], WINDOW, BASELINE, CONFIG) in ((True,), (False,))


def test_recovery_is_measured_by_the_same_normal() -> None:
    normal = normal_of(frame(history(0.05)), BASELINE, WINDOW, CONFIG)
    assert normal is not None
    assert (normal.median, normal.samples) == (0.05, 84)


def test_a_digest_shows_the_normals_and_the_windows() -> None:
    shown = series_digest(frame(history(0.0)), WINDOW, BASELINE, CONFIG)
    assert (shown.baseline, [one.past for one in shown.usual]) == (0.0, [Past.SAME_HOUR])
    assert shown.windows == ()  # some seconds of samples
    assert series_digest(frame(None), WINDOW, BASELINE, CONFIG).usual == ()
