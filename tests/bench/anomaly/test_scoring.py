"""NAB's rules on cases small enough for a pencil."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.anomaly.scoring import Labels, Profile, label, normalise, probation, scaled_sigmoid, sweep
from core.frames import Floats

STANDARD = Profile(true_positive=1.0, false_positive=0.11, false_negative=1.0)
ROWS, WINDOW = 100, (40, 49)
LABELS = label(ROWS, [WINDOW])


def alarms_at(*rows: int) -> Floats:
    """Scores of 1 at those rows, 0 elsewhere."""
    return np.isin(np.arange(ROWS), rows).astype(np.float64)


def raw(*rows: int, profile: Profile = STANDARD, labels: Labels = LABELS) -> float:
    """Raw score of alarms at those rows."""
    return sweep([alarms_at(*rows)], [labels], profile).at(0.5)


def test_the_sigmoid_of_the_paper() -> None:
    places = scaled_sigmoid(np.array([-1.0, -0.5, 0.0, 1.0, 3.0, 9.0]))
    assert places == pytest.approx([0.98661, 0.84828, 0.0, -0.98661, -1.0, -1.0], abs=1e-5)


@pytest.mark.parametrize(("rows", "expected"), [(100, 15), (5000, 750), (20_000, 750), (19, 2), (0, 0)])
def test_the_first_rows_are_on_probation(rows: int, expected: int) -> None:
    assert probation(rows) == expected


def test_silence_costs_each_window_and_gets_no_points() -> None:
    assert raw() == -1.0
    assert normalise(-1.0, 1, STANDARD) == 0.0


def test_the_first_row_of_a_window_is_perfect() -> None:
    assert raw(40) == pytest.approx(1.0)
    assert normalise(raw(40), 1, STANDARD) == pytest.approx(100.0)


def test_later_is_worth_less_and_more_alarms_in_a_window_add_nothing() -> None:
    middle = (2 / (1 + exp(-5 * 0.5)) - 1) / (2 / (1 + exp(-5)) - 1)
    assert raw(45) == pytest.approx(middle)
    assert raw(45, 46, 49) == raw(45)
    assert raw(44) > raw(45) > raw(49) > 0


def test_false_alarms_cost_more_the_farther_behind_a_window_they_are() -> None:
    just, later, far = (raw(40, row) - raw(40) for row in (50, 55, 99))
    assert 0 > just > later > far
    assert far == pytest.approx(-0.11)
    assert raw(40, 30) - raw(40) == pytest.approx(-0.11), "before the first window they cost their full weight"


def test_every_row_of_false_alarms_counts() -> None:
    assert raw(20, 21, 22, 40) == pytest.approx(1.0 - 3 * 0.11)


def test_probation_is_not_scored() -> None:
    assert raw(0, 14, 40) == raw(40)
    assert raw(15, 40) < raw(40)


def test_profiles_weigh_misses_and_false_alarms() -> None:
    cautious, eager = Profile(1.0, 0.22, 1.0), Profile(1.0, 0.11, 2.0)
    assert raw(30, 40, profile=cautious) == pytest.approx(1 - 0.22)
    assert raw(profile=eager) == -2.0
    assert normalise(-2.0, 1, eager) == 0.0


def test_one_threshold_serves_all_series_and_the_best_is_found() -> None:
    quiet = label(ROWS, [])
    loud_noise, odd = np.zeros(ROWS), np.zeros(ROWS)
    loud_noise[50], odd[42], odd[60] = 0.7, 0.9, 0.6
    found = sweep([loud_noise, odd], [quiet, LABELS], STANDARD)
    threshold, best = found.best()
    assert threshold == 0.9
    assert best == found.at(0.8) == raw(42)
    assert found.at(0.65) == pytest.approx(best - 0.11)
    assert found.at(1.0) == -1.0


def test_rows_of_equal_scores_stand_or_fall_together() -> None:
    scores = np.zeros(ROWS)
    scores[[30, 40]] = 0.5
    found = sweep([scores], [LABELS], STANDARD)
    assert found.thresholds.tolist() == [np.inf, 0.5, 0.0]
    assert found.scores[1] == pytest.approx(1 - 0.11)


def test_nothing_to_score() -> None:
    assert sweep([], [], STANDARD).best() == (np.inf, 0.0)
    assert normalise(0.0, 0, STANDARD) == 0.0


@given(st.lists(st.integers(0, 5), min_size=ROWS, max_size=ROWS))
def test_the_sweep_says_of_each_threshold_what_scoring_it_alone_says(levels: list[int]) -> None:
    scores = np.array(levels, dtype=np.float64)
    found = sweep([scores], [LABELS], STANDARD)
    for level in range(6):
        assert found.at(level) == pytest.approx(raw(*np.flatnonzero(scores >= level)))
