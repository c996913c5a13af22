"""What follows what: where requests leave their usual way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.traces.sequences import BEGIN, END, TURN_Z, turns

USUAL = [["read", "price", "write"]] * 20
_REQUESTS = st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=12)


def test_the_point_at_which_requests_turn_is_named() -> None:
    now = [["read", "price", "write"]] * 4 + [["read", "price", "failed"]] * 16
    turn = turns(now, [USUAL] * 4)[0]
    assert turn.after == ("read", "price")
    assert {found.event for found in turns(now, [USUAL] * 4)} == {"failed", "write"}
    assert (turn.now.whole, turn.before.whole, turn.first) == (20, 80, 4)


def test_a_request_that_stops_early_turns_to_the_end() -> None:
    found = turns([["read", "price"]] * 20, [USUAL] * 4)
    assert any(turn.event == END and turn.after == ("read", "price") and turn.surprise > 0 for turn in found)


def test_one_step_less_in_a_loop_is_seen() -> None:
    usual = [["find", "step", "step"]] * 20
    found = turns([["find", "step"]] * 20, [usual] * 4)
    assert found[0].after == ("find", "step")


def test_more_of_an_operation_is_no_turn() -> None:
    assert turns(USUAL * 10, [USUAL] * 4) == []


def test_that_an_earlier_fault_is_over_is_no_turn() -> None:
    before = [["read", "price", "write"]] * 10 + [["read", "failed"]] * 6
    assert turns(USUAL, [before]) == []


def test_points_that_few_requests_reach_say_nothing() -> None:
    assert turns([["read", "failed"]] * 2, [USUAL] * 4) == []
    assert turns([["read", "failed"]] * 20, [[["read", "price"]] * 2] * 4) == []


def test_nothing_logged_at_all_turns_at_the_start() -> None:
    turn = turns([[]] * 20, [USUAL] * 4)[0]
    assert turn.after == (BEGIN, BEGIN)


@given(now=_REQUESTS, before=st.lists(_REQUESTS, max_size=4))
def test_any_requests_turn_beyond_the_threshold_or_not_at_all(
    now: list[list[str]], before: list[list[list[str]]]
) -> None:
    found = turns(now, before)
    assert all(abs(turn.surprise) >= TURN_Z and 0 <= turn.first < len(now) for turn in found)
    assert turns(now, []) == []
    assert turns(now, [now, now]) == []


@given(now=_REQUESTS, before=st.lists(_REQUESTS, max_size=3))
def test_names_of_events_do_not_matter(now: list[list[str]], before: list[list[list[str]]]) -> None:
    other = {"a": "z", "b": "m", "c": "d"}

    def renamed(sequences: list[list[str]]) -> list[list[str]]:
        return [[other[event] for event in events] for events in sequences]

    plain = turns(now, before)
    again = turns(renamed(now), [renamed(each) for each in before])
    assert [turn.surprise for turn in plain] == [turn.surprise for turn in again]
    assert [other.get(turn.event, turn.event) for turn in plain] == [turn.event for turn in again]
