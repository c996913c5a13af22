"""Every detector behind `read`, whatever comes in: units, order, gaps, resets, and series that are hardly one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.config import AnalysisConfig, Floor
from analysis.series.limits import LIMIT_SIGNALS, LIMITS, limit_of
from analysis.series.readings import Reading, read
from analysis.view import SignalFrame
from core.frames import Floats
from core.models import Shape, Signal
from tests.analysis.shop import BASELINE, CONFIG, END, WINDOW

TIMES = np.arange(BASELINE.start.timestamp(), END.timestamp() + 0.25, CONFIG.step_seconds)
AGE = END.timestamp() - TIMES
NOISE = np.random.default_rng(8).standard_normal(TIMES.size)
UNFLOORED = CONFIG.model_copy(update={"floors": dict.fromkeys(Signal, Floor(absolute=1e-9))})
"""No unit is special: shapes must not depend on it."""

SIGNALS = st.sampled_from([one for one in Signal if one is not Signal.UP])
FREE = st.sampled_from([Signal.TRAFFIC, Signal.CPU, Signal.CLOCK, *LIMITS])
NUMBERS = st.lists(st.integers(-200, 200), min_size=TIMES.size, max_size=TIMES.size)

EXAMPLES: dict[str, tuple[Signal, Floats, Shape]] = {
    "level shift": (Signal.CPU, np.where(AGE <= 4, 60.0, 20.0) + NOISE, Shape.LEVEL_SHIFT),
    "spike": (Signal.CPU, np.where((AGE <= 6) & (AGE >= 3), 60.0, 20.0) + NOISE, Shape.SPIKE),
    "drop": (Signal.TRAFFIC, np.where(AGE <= 4, 5.0, 60.0) + NOISE, Shape.DROP),
    "zero": (Signal.TRAFFIC, np.where(AGE <= 5, 0.0, 60.0 + NOISE), Shape.ZERO),
    "trend": (Signal.MEMORY, 200 + 10 * np.clip(8 - AGE, 0, None) + NOISE, Shape.TREND),
    "variance": (
        Signal.CLOCK,
        50 + NOISE * np.where(AGE <= 6, np.where(np.arange(TIMES.size) % 2, 14.0, 2.0), 1.0),
        Shape.VARIANCE,
    ),
    "flatline": (Signal.CPU, np.where(AGE <= 6, 21.0, 20.0 + NOISE), Shape.FLATLINE),
    "missing": (Signal.MEMORY, np.where(AGE <= 5, np.nan, 200 + NOISE), Shape.MISSING),
}


def frame(values: Floats, signal: Signal, times: Floats = TIMES) -> SignalFrame:
    return SignalFrame("cart", signal, "metric", "unit", times, values, "ev")


def reading(values: Floats, signal: Signal, times: Floats = TIMES, config: AnalysisConfig = UNFLOORED) -> Reading:
    return read(frame(values, signal, times), WINDOW, BASELINE, config)


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_shape_is_found_with_an_onset_in_the_window_or_before_and_its_uncertainty(name: str) -> None:
    signal, values, shape = EXAMPLES[name]
    found = reading(values, signal)
    assert found.shape is shape
    assert found.onset is not None
    assert BASELINE.start.timestamp() <= found.onset.at <= END.timestamp()
    assert 0 < found.onset.uncertainty_seconds <= 22


@pytest.mark.parametrize("power", [-20, -3, 0, 5, 30])
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_unit_does_not_matter(name: str, power: int) -> None:
    signal, values, shape = EXAMPLES[name]
    scaled = UNFLOORED.model_copy(update={"floors": dict.fromkeys(Signal, Floor(absolute=1e-9 * 2.0**power))})
    before, after = reading(values, signal), reading(values * 2.0**power, signal, config=scaled)
    assert after.shape is shape
    assert after.onset == before.onset
    assert after.deviation == pytest.approx(before.deviation)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "zero"])
def test_the_zero_of_the_unit_does_not_matter(name: str) -> None:
    signal, values, shape = EXAMPLES[name]
    before, after = reading(values, signal), reading(values + 4096, signal)
    assert after.shape is shape
    assert after.onset is not None
    assert before.onset is not None
    assert after.onset.at == pytest.approx(before.onset.at, abs=1e-3)


@given(values=NUMBERS, signal=FREE, shift=st.integers(1, 512), power=st.integers(0, 8))
def test_shift_and_scale_keep_the_shape(values: list[int], signal: Signal, shift: int, power: int) -> None:
    series = np.array(values, dtype=np.float64)
    scale = 2.0**power
    scaled = UNFLOORED.model_copy(update={"floors": dict.fromkeys(Signal, Floor(absolute=1e-9 * scale))})
    before, after = reading(series, signal), reading(series * scale, signal, config=scaled)
    assert (before.shape, before.onset) == (after.shape, after.onset)
    if before.shape is not Shape.ZERO:
        moved = reading(series + 256 + shift, signal)
        assert moved.shape is before.shape or {moved.shape, before.shape} <= {None, Shape.FLATLINE, Shape.DROP}


@given(order=st.permutations(range(TIMES.size)), name=st.sampled_from(sorted(EXAMPLES)))
def test_the_order_of_the_samples_does_not_matter(order: list[int], name: str) -> None:
    signal, values, _ = EXAMPLES[name]
    assert reading(values[order], signal, TIMES[order]) == reading(values, signal)


@given(again=st.lists(st.integers(0, TIMES.size - 1), max_size=30), name=st.sampled_from(sorted(EXAMPLES)))
def test_samples_that_come_twice_count_once(again: list[int], name: str) -> None:
    signal, values, _ = EXAMPLES[name]
    twice = reading(np.concatenate([values, values[again]]), signal, np.concatenate([TIMES, TIMES[again]]))
    assert twice == reading(values, signal)


@given(
    lost=st.sets(st.integers(0, TIMES.size - 1), max_size=6),
    bad=st.sampled_from([math.nan, math.inf, -math.inf]),
    signal=SIGNALS,
)
def test_gaps_and_infinities_are_no_shape(lost: set[int], bad: float, signal: Signal) -> None:
    values = 20 + NOISE
    values[list(lost)] = bad
    found = reading(values, signal, config=UNFLOORED.model_copy(update={"robust_z": 6.0}))
    assert found.shape in (None, Shape.MISSING)


@given(value=st.floats(-1e9, 1e9), size=st.integers(0, 3), signal=SIGNALS)
def test_no_sample_or_one_is_no_shape(value: float, size: int, signal: Signal) -> None:
    found = reading(np.full(size, value), signal, TIMES[TIMES.size - size :])
    assert (found.shape, found.onset) == (None, None)


@given(value=st.integers(-1000, 1000), signal=SIGNALS)
def test_a_constant_series_is_no_shape(value: int, signal: Signal) -> None:
    assert reading(np.full(TIMES.size, float(value)), signal).shape is None


@given(resets=st.sets(st.integers(1, TIMES.size - 3), min_size=1, max_size=4), slope=st.integers(1, 50))
def test_a_counter_that_is_reset_is_makes_nothing_steeper(resets: set[int], slope: int) -> None:
    counter, level = np.zeros(TIMES.size), 0.0
    for index in range(1, TIMES.size):
        level = 0.0 if index in resets else level + slope
        counter[index] = level
    found = reading(counter, Signal.MEMORY)
    if found.trend is not None:
        assert found.trend.slope <= slope / CONFIG.step_seconds + 1e-6, "a reset makes no rise steeper"
    assert found.deviation is None or math.isfinite(found.deviation)


@pytest.mark.parametrize("signal", sorted(LIMIT_SIGNALS))
def test_a_limit_that_is_changed_is_no_finding(signal: Signal) -> None:
    assert reading(np.where(AGE <= 4, 500.0, 100.0), signal).shape is None


@pytest.mark.parametrize("signal", sorted(LIMITS))
def test_the_limit_is_the_last_that_was_told(signal: Signal) -> None:
    used = frame(20 + NOISE, signal)
    limits = frame(np.where(AGE <= 1, np.nan, np.where(AGE <= 4, 500.0, 100.0)), LIMITS[signal])
    assert limit_of(used, (used, limits), END.timestamp()) == (500.0, "ev")
    assert limit_of(used, (used, limits), END.timestamp() - 4.5) == (100.0, "ev")
    assert limit_of(used, (used,), END.timestamp()) is None
    assert limit_of(used, (frame(np.zeros(TIMES.size), LIMITS[signal]),), END.timestamp()) is None
    assert limit_of(frame(20 + NOISE, Signal.CPU), (limits,), END.timestamp()) is None
