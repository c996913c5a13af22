"""When outcomes changed: found where they did, not where they were unusual all along, and not by chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.traces.onset import Outcomes, changed_at

USUAL = 0.05
_ODD = st.lists(st.booleans(), max_size=40).map(lambda flags: [float(flag) for flag in flags])


def outcomes(odd: list[float], *, first: float = 1000.0, usual: float = USUAL, more: bool = True) -> Outcomes:
    return Outcomes([first + index for index in range(len(odd))], odd, usual, more)


@pytest.mark.parametrize("change", [8, 15, 25])
def test_the_first_of_the_unusual_outcomes_is_the_onset(change: int) -> None:
    odd = [0.0] * change + [1.0] * (30 - change)
    assert changed_at([[outcomes(odd)]]) == 1000.0 + change
    fewer = [1 - one for one in odd]
    assert changed_at([[outcomes(fewer, usual=1 - USUAL, more=False)]]) == 1000.0 + change


def test_what_was_unusual_all_along_tells_of_no_instant() -> None:
    assert changed_at([[outcomes([1.0] * 30)]]) is None
    assert changed_at([[outcomes([0.0] * 15 + [1.0] * 15)], [outcomes([1.0] * 300)]]) == 1015.0


def test_a_change_in_the_other_direction_is_none() -> None:
    assert changed_at([[outcomes([1.0] * 15 + [0.0] * 15)]]) is None
    assert changed_at([[outcomes([0.0] * 15 + [1.0] * 15, usual=1 - USUAL, more=False)]]) is None


def test_series_of_one_group_are_taken_together() -> None:
    weak = [0.0] * 8 + [1.0] * 4
    one, other = outcomes(weak, usual=0.1), outcomes(weak, usual=0.1, first=1000.5)
    assert changed_at([[one]]) is None
    assert changed_at([[one], [other]]) is None
    assert changed_at([[one, other]]) == 1008.0


def test_two_outcomes_make_no_change_and_nothing_tells_nothing() -> None:
    assert changed_at([]) is None
    assert changed_at([[], [outcomes([])], [outcomes([1.0])]]) is None
    assert changed_at([[outcomes([0.0] * 30 + [1.0] * 2, usual=1e-9)]]) is None


def test_usual_outcomes_hardly_ever_look_like_a_change() -> None:
    dice = random.Random(7)
    found = [changed_at([[outcomes([float(dice.random() < USUAL) for _ in range(60)])]]) for _ in range(200)]
    assert sum(one is not None for one in found) <= 2


@settings(max_examples=50)
@given(_ODD, st.integers(-10_000, 10_000))
def test_the_clock_does_not_matter(odd: list[float], shift: int) -> None:
    there, here = changed_at([[outcomes(odd, first=1000.0 + shift)]]), changed_at([[outcomes(odd)]])
    assert there == (None if here is None else here + shift)


@settings(max_examples=30)
@given(st.lists(_ODD, min_size=2, max_size=4))
def test_the_order_of_the_groups_does_not_matter(odds: list[list[float]]) -> None:
    groups = [[outcomes(odd, first=1000.0 + index / 8)] for index, odd in enumerate(odds)]
    assert changed_at(groups) == changed_at(groups[::-1])
