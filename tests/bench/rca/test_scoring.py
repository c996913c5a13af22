"""Fair ties: random tie-breaking in expectation, nothing for a score of zero, nothing for an abstention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.rca.scoring import average_credit, credit

RANKINGS = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([0.0, 0.1, 0.5, 0.9])), max_size=8)


def test_a_lone_leader_earns_everything_and_the_runner_up_nothing_at_one() -> None:
    ranking = [("a", 0.9), ("b", 0.5), ("c", 0.1)]
    assert [credit(ranking, name, 1) for name in "abc"] == [1.0, 0.0, 0.0]
    assert [credit(ranking, name, 2) for name in "abc"] == [1.0, 1.0, 0.0]


def test_ties_share() -> None:
    ranking = [("a", 0.5), ("b", 0.5), ("c", 0.5), ("d", 0.9)]
    assert credit(ranking, "a", 1) == 0.0
    assert credit(ranking, "a", 2) == pytest.approx(1 / 3)
    assert credit(ranking, "a", 3) == pytest.approx(2 / 3)
    assert credit(ranking, "a", 4) == 1.0


def test_a_score_of_zero_or_no_answer_earns_nothing() -> None:
    assert credit([("a", 0.0)], "a", 3) == 0.0
    assert credit([], "a", 3) == 0.0
    assert credit([("b", 0.3)], "a", 3) == 0.0


def test_the_best_of_several_entries_of_one_name_counts_once() -> None:
    assert credit([("a", 0.2), ("b", 0.5), ("a", 0.9)], "a", 1) == 1.0
    assert credit([("b", 0.9), ("b", 0.8), ("a", 0.5)], "a", 2) == 1.0


def test_the_average_is_that_of_the_first_five() -> None:
    ranking = [("b", 0.9), ("a", 0.5)]
    assert average_credit(ranking, "a") == pytest.approx(4 / 5)


@given(ranking=RANKINGS, k=st.integers(1, 6))
def test_credits_of_all_names_add_up_to_at_most_k(ranking: list[tuple[str, float]], k: int) -> None:
    names = {name for name, _ in ranking}
    assert sum(credit(ranking, name, k) for name in names) <= k + 1e-9


@given(ranking=RANKINGS, k=st.integers(1, 5))
def test_order_does_not_matter_and_more_places_never_cost(ranking: list[tuple[str, float]], k: int) -> None:
    for name in "abcdef":
        assert credit(ranking, name, k) == credit(ranking[::-1], name, k) <= credit(ranking, name, k + 1)
