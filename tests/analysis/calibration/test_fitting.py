"""A fit finds what the outcomes say, is moved by new ones only as far as they carry, and is applied by arithmetic."""

from __future__ import annotations

from functools import partial
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.calibration.fitting import fit as fit_features
from analysis.calibration.fitting import system_worth
from analysis.calibration.model import HIGHEST, LOWEST, Calibration, Coefficient, Outcome

fit = partial(fit_features, features=("score", "noise"))


def outcomes(count: int, seed: int = 1, *, slope: float = 3.0, system: str = "one") -> list[Outcome]:
    """Diagnoses of which a stronger score is right more often, and a feature that tells nothing."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        score, noise = random.uniform(-1, 1), random.uniform(-1, 1)
        right = bool(random.uniform() < 1 / (1 + np.exp(-slope * score)))
        found.append(Outcome(features={"score": score, "noise": noise}, right=right, system=system))
    return found


def test_what_tells_gets_the_weight() -> None:
    found = fit(outcomes(400), "test")
    weights = {one.name: one.weight for one in found.coefficients}
    assert weights["score"] > 1.0
    assert abs(weights["noise"]) < 0.4
    assert found.outcomes == 400
    strong, weak = (found.probability({"score": score, "noise": 0.0}) for score in (0.9, -0.9))
    assert strong > 0.85
    assert weak < 0.15


def test_a_few_outcomes_hardly_move_a_fit_and_many_do() -> None:
    before = fit(outcomes(400), "before")
    contrary = [
        Outcome(features=one.features, right=not one.right, system="two") for one in outcomes(400, 2, system="two")
    ]
    asked = {"score": 0.9, "noise": 0.0}
    few, many = fit(contrary[:3], "few", before), fit(contrary, "many", before)
    assert before.probability(asked) > 0.85
    assert few.probability(asked) > 0.5
    assert many.probability(asked) < 0.3
    assert (few.outcomes, many.outcomes) == (403, 800)


def test_a_fit_on_nothing_is_the_fit_before() -> None:
    before = fit(outcomes(50), "before")
    assert fit([], "after", before) == before
    with pytest.raises(ValueError, match="on nothing"):
        fit([], "after")


def test_a_feature_that_never_varies_or_is_missing_says_nothing() -> None:
    same = [Outcome(features={"score": 1.0}, right=right, system="one") for right in (True, True, False, True)]
    found = fit_features(same, "test", features=("score",))
    assert found.coefficients == (Coefficient(name="score", mean=1.0, scale=1.0, weight=0.0),)
    assert found.probability({}) == found.probability({"score": 1.0}) == pytest.approx(0.75, abs=0.03)
    assert found.probability({"other": 9.0}) == found.probability({})


@given(
    intercept=st.floats(-1e6, 1e6),
    weight=st.floats(-1e6, 1e6),
    value=st.floats(-1e6, 1e6),
)
def test_a_probability_is_never_certain(intercept: float, weight: float, value: float) -> None:
    found = Calibration(
        version="x", intercept=intercept, coefficients=(Coefficient(name="a", mean=0, scale=1, weight=weight),)
    )
    assert LOWEST <= found.probability({"a": value}) <= HIGHEST


@given(st.lists(st.tuples(st.integers(-9, 9), st.booleans()), min_size=1, max_size=20))
def test_the_order_of_the_outcomes_does_not_matter(rows: list[tuple[int, bool]]) -> None:
    given_ = [Outcome(features={"score": value}, right=right, system="one") for value, right in rows]
    one, other = (fit_features(each, "x", features=("score",)) for each in (given_, given_[::-1]))
    assert one.intercept == pytest.approx(other.intercept, abs=0.01)
    assert one.coefficients[0].weight == pytest.approx(other.coefficients[0].weight, abs=0.01)


@pytest.mark.parametrize("value", [nan, inf])
def test_no_feature_is_outside_the_numbers(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Outcome(features={"score": value}, right=True, system="one")


def of_systems(*rights: list[int]) -> list[Outcome]:
    return [
        Outcome(features={"score": 0.5, "noise": 0.0}, right=bool(right), system=f"system {number}")
        for number, system in enumerate(rights)
        for right in system
    ]


def test_outcomes_of_systems_that_differ_count_less_the_more_there_are() -> None:
    alike = of_systems([1, 0] * 10, [1, 0] * 5)
    assert system_worth(alike) == pytest.approx(np.ones(30))
    apart = of_systems([1] * 20, [0] * 5)
    assert system_worth(apart) == pytest.approx([1 / 20] * 20 + [1 / 5] * 5)
    between = system_worth(of_systems([1] * 18 + [0] * 2, [1, 0, 0, 0, 0]))
    assert between[0] * 20 < 20
    assert 1 < between[0] * 20 / (between[-1] * 5) < 4  # the larger one counts more, but not by its size


def test_one_system_alone_or_one_outcome_each_is_taken_as_it_is() -> None:
    for outcomes_ in (of_systems([1, 0, 1]), of_systems([1], [0], [1]), of_systems([1, 1], [1])):
        assert system_worth(outcomes_) == pytest.approx(np.ones(3))


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=9), min_size=1, max_size=6))
def test_no_outcome_counts_for_more_than_one_and_no_system_for_less(rights: list[list[int]]) -> None:
    known = of_systems(*rights)
    worth = system_worth(known)
    assert np.all((worth > 0) & (worth <= 1 + 1e-9))
    for number in range(len(rights)):
        assert sum(worth[[one.system == f"system {number}" for one in known]]) >= 1 - 1e-9


def test_a_first_fit_does_not_follow_the_system_with_the_most_outcomes() -> None:
    large, *small = [1] * 190 + [0] * 10, [1] * 4 + [0] * 16, [1] * 5 + [0] * 15, [1] * 6 + [0] * 14
    said = fit(of_systems(large, *small), "x").probability({"score": 0.5, "noise": 0.0})
    assert said < 0.6  # 205 of 260 were right, but in three of four systems a quarter
    later = fit(of_systems(large, *small), "y", fit(of_systems([1, 0]), "before"))
    assert later.probability({"score": 0.5, "noise": 0.0}) > 0.75  # it is for the systems that it was fitted on
