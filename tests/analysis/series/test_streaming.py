"""The streaming scorer: what surprises it, what never may, and that nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.series.streaming import ALARM, BLOCK, StreamConfig, StreamScorer
from core.frames import Floats

STEP_SECONDS = 60.0
SHORT = StreamConfig(memory_samples=200, short_samples=4, rest_samples=4, warmup_samples=10)
ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True)
ORDINARY = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))


def clock(samples: int) -> Floats:
    return np.arange(samples, dtype=np.float64) * STEP_SECONDS + 1.7e9


def scores_of(values: Floats, config: StreamConfig = SHORT) -> Floats:
    """Scores of one regularly sampled series."""
    return StreamScorer(1, config).ingest(clock(values.size), values[:, None])[:, 0]


def noise(samples: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).uniform(-2, 2, samples)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("spike", lambda values: np.append(values[:-1], 40.0)),
        ("drop to zero", lambda values: np.append(values[:-20] + 50, np.zeros(20))),
        ("level shift", lambda values: np.append(values[:-60], values[-60:] + 3)),
        ("drift", lambda values: values + np.append(np.zeros(940), np.linspace(0, 6, 60))),
        ("noise begins", lambda values: np.append(values[:-60], 4 * values[-60:])),
        ("a constant moves", lambda values: np.append(np.full(values.size - 1, 7.0), 7.001)),
    ],
)
def test_what_is_new_is_an_alarm_and_the_time_before_it_is_not(name: str, change: object) -> None:
    assert callable(change)
    scores = scores_of(change(noise(1000)), StreamConfig())
    assert scores[-60:].max() >= ALARM, name
    assert (scores[:-60] >= ALARM).sum() <= 3, name


def test_noise_that_lasted_and_ends_is_an_alarm() -> None:
    scores = scores_of(np.append(noise(3000), np.zeros(60)), SHORT.model_copy(update={"short_samples": 24.0}))
    assert scores[-60:].max() >= ALARM


def test_the_time_of_day_is_expected_and_what_belongs_to_another_is_not() -> None:
    times = np.arange(8 * 288, dtype=np.float64) * 300.0
    night = (times % 86400.0) < 86400.0 / 4
    values = np.where(night, 0.0, 100.0) + noise(times.size)
    values[-30:] = 0.0 + noise(30)
    assert not night[-30:].any()
    scores = StreamScorer(1).ingest(times, values[:, None])[:, 0]
    blind = StreamScorer(1, StreamConfig(buckets_per_day=1)).ingest(times, values[:, None])[:, 0]
    assert scores[-30:].max() >= ALARM > scores[5 * 288 : -30].max()
    assert blind[-30:].max() < ALARM, "low values as such have been seen"


def test_an_alarm_is_not_repeated_while_it_rests() -> None:
    values = np.append(noise(300), 50.0 * 2.0 ** np.arange(10))
    scores = scores_of(values, SHORT)
    alarms = np.flatnonzero(scores >= ALARM)
    assert 300 in alarms
    assert all(np.diff(alarms[alarms >= 300]) > SHORT.rest_samples)


def test_nothing_is_said_before_there_is_a_history() -> None:
    scores = scores_of(np.append(noise(10), [1e6]), SHORT)
    assert not scores[:10].any()
    assert scores[10] >= ALARM, "the eleventh sample has ten before it"
    assert StreamScorer(2).warm.tolist() == [False, False]


def test_ranges_forget_what_does_not_come_again() -> None:
    config = SHORT.model_copy(update={"memory_samples": 1000.0})
    early = np.append(noise(100), 60.0)
    again = scores_of(np.concatenate([early, noise(20, 2), [60.0]]), config)
    much_later = scores_of(np.concatenate([early, noise(2000, 2), [60.0]]), config)
    assert again[-1] < ALARM <= much_later[-1]


@settings(max_examples=50)
@given(st.lists(ANY_NUMBER, max_size=60), st.lists(ANY_NUMBER, max_size=60))
def test_any_input_gives_scores_between_0_and_1(values: list[float], times: list[float]) -> None:
    size = min(len(values), len(times))
    scores = StreamScorer(1, SHORT).ingest(np.array(times[:size]), np.array(values[:size]).reshape(size, 1))
    assert scores.shape == (size, 1)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert not scores[~np.isfinite(values[:size])].any(), "what is no sample has no score"


def test_no_series_no_samples_and_one_sample() -> None:
    assert StreamScorer(0).ingest(clock(3), np.empty((3, 0))).shape == (3, 0)
    assert StreamScorer(2).ingest(clock(0), np.empty((0, 2))).shape == (0, 2)
    scorer = StreamScorer(1)
    assert scorer.ingest(clock(1), np.array([[5.0]])).tolist() == [[0.0]]
    assert scorer.deviations.tolist() == [0.0]


@settings(max_examples=15)
@given(st.floats(-1e6, 1e6), st.integers(1, 150))
def test_a_constant_series_is_silent(value: float, samples: int) -> None:
    assert not scores_of(np.full(samples, value)).any()


@settings(max_examples=15)
@given(st.lists(ORDINARY, min_size=20, max_size=80), st.data())
def test_later_rows_change_no_earlier_score(values: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(values)))
    later = data.draw(st.lists(ANY_NUMBER, min_size=len(values) - cut, max_size=len(values) - cut))
    series, changed = np.array(values), np.array(values[:cut] + later)
    assert np.array_equal(scores_of(series)[:cut], scores_of(changed)[:cut])


@settings(max_examples=15)
@given(st.integers(0, 999), st.sampled_from([-4096.0, 0.0, 1024.0]), st.sampled_from([2.0**-20, 1.0, 2.0**30]))
def test_shift_and_scale_do_not_matter(seed: int, shift: float, scale: float) -> None:
    values = np.round(noise(200, seed) * 64) / 64
    values[150:] += 8
    assert scores_of((values + shift) * scale) == pytest.approx(scores_of(values), abs=1e-5)


@settings(max_examples=15)
@given(st.integers(0, 999), st.integers(1, 79))
def test_it_does_not_matter_how_samples_are_cut_into_calls(seed: int, cut: int) -> None:
    times, values = clock(80), noise(160, seed).reshape(80, 2)
    scorer = StreamScorer(2, SHORT)
    halves = np.vstack([scorer.ingest(times[:cut], values[:cut]), scorer.ingest(times[cut:], values[cut:])])
    assert np.array_equal(halves, StreamScorer(2, SHORT).ingest(times, values))


@settings(max_examples=15)
@given(st.integers(0, 999), st.lists(st.integers(0, 79), max_size=8))
def test_late_and_repeated_samples_are_ignored(seed: int, late: list[int]) -> None:
    times, values = clock(80), noise(80, seed)
    mixed_times = np.concatenate([times, times[late]])
    mixed_values = np.concatenate([values, np.full(len(late), 1e6)])
    scores = StreamScorer(1, SHORT).ingest(mixed_times, mixed_values[:, None])[:, 0]
    assert np.array_equal(scores[:80], scores_of(values))
    assert not scores[80:].any()


@settings(max_examples=20)
@given(st.integers(0, 999))
def test_series_do_not_know_of_each_other(seed: int) -> None:
    values = noise(300, seed).reshape(100, 3)
    values[np.random.default_rng(seed).random(values.shape) < 0.2] = np.nan
    together = StreamScorer(3, SHORT).ingest(clock(100), values)
    alone = [StreamScorer(1, SHORT).ingest(clock(100), values[:, [one]])[:, 0] for one in range(3)]
    assert np.array_equal(together, np.column_stack(alone))


def test_more_series_than_a_block_score_the_same() -> None:
    values = np.tile(np.append(noise(30), 50.0)[:, None], (1, BLOCK + 5))
    scores = StreamScorer(BLOCK + 5, SHORT).ingest(clock(31), values)
    assert (scores == scores[:, :1]).all()
    assert scores[-1, 0] >= ALARM


def test_each_series_may_have_times_of_its_own() -> None:
    times, values = clock(200), noise(400).reshape(200, 2)
    own = np.column_stack([times, times + 40_000.0])
    together = StreamScorer(2, SHORT).ingest(own, values)
    second = StreamScorer(1, SHORT).ingest(own[:, 1], values[:, [1]])
    assert np.array_equal(together[:, [1]], second)
    assert np.array_equal(together[:, 0], scores_of(values[:, 0]))


def test_memory_does_not_grow_with_samples() -> None:
    scorer = StreamScorer(3, SHORT)

    def held() -> int:
        return sum(each.nbytes for each in scorer._state)

    before = held()
    scorer.ingest(clock(2000), noise(6000).reshape(2000, 3))
    assert held() == before


def test_deviations_tell_usual_from_unusual_before_anything_is_surprising() -> None:
    scorer = StreamScorer(2)
    values = np.column_stack([noise(300), noise(300)])
    scorer.ingest(clock(300), values)
    scorer.ingest(clock(301)[-1:], np.array([[0.0, 2.5]]))
    usual, unusual = scorer.deviations
    assert usual < 1 < unusual
