"""Shares and durations against several earlier windows."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from analysis.config import Floor
from analysis.traces.surprise import Share, level_surprise, share_surprise

FLOOR = Floor(absolute=0.05)
_SHARES = st.integers(0, 200).flatmap(lambda whole: st.builds(Share, st.integers(0, whole), st.just(whole)))


def test_what_never_happened_surprises_the_more_the_oftener_it_does() -> None:
    usual = [Share(0, 40)] * 5
    few, half, all_ = (share_surprise(Share(part, 20), usual) for part in (1, 10, 20))
    assert 0 < few < 3 < half < all_


def test_many_windows_say_more_than_one() -> None:
    assert share_surprise(Share(7, 12), [Share(0, 12)] * 9) > share_surprise(Share(7, 12), [Share(0, 12)])


def test_what_differs_between_windows_anyway_surprises_less() -> None:
    steady = [Share(20, 100)] * 6
    restless = [Share(part, 100) for part in (2, 8, 18, 22, 40, 60)]
    now = Share(60, 100)
    assert share_surprise(now, restless) < 3 < share_surprise(now, steady)


def test_one_earlier_window_that_was_wrong_too_does_not_hide_it() -> None:
    assert share_surprise(Share(20, 20), [Share(0, 20), Share(0, 20), Share(20, 20)]) > 4


def test_without_anything_to_compare_nothing_surprises() -> None:
    assert share_surprise(Share(3, 3), []) == 0
    assert share_surprise(Share(0, 0), [Share(1, 2)]) == 0
    assert share_surprise(Share(3, 3), [Share(0, 0)]) == 0
    assert level_surprise(9.0, [], FLOOR) == 0
    assert level_surprise(9.0, [1.0], Floor()) == 0


def test_a_duration_is_measured_in_floors_where_windows_do_not_differ() -> None:
    assert level_surprise(0.31, [0.01, 0.01, 0.01], FLOOR) == 6.0
    assert level_surprise(0.31, [0.01, 0.2, 0.4, 0.1], FLOOR) < 3


@given(now=_SHARES, before=st.lists(_SHARES, max_size=8))
def test_any_shares_have_a_bounded_surprise_and_none_of_their_own(now: Share, before: list[Share]) -> None:
    assert abs(share_surprise(now, before)) <= math.pi / 0.2
    assert share_surprise(now, [now] * 3) == 0
