"""Confidence follows from strength, contrast and diversity, and from nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.causes.confidence import (
    TRUST,
    Clue,
    Family,
    Features,
    agreement,
    contrast,
    probability,
    saturation,
    share_rest,
    sources,
    strength,
)

UNIT = st.floats(0, 1)
CLUES = st.lists(st.builds(lambda family, weight: Clue(family, weight, ("ev",)), st.sampled_from(Family), UNIT))


def test_saturation_starts_at_the_threshold_and_grows_towards_one() -> None:
    assert [saturation(z, 3.0) for z in (0.0, 2.9, 3.0, 6.0, -30.0)] == [0.0, 0.0, 0.5, 0.75, 0.95]


def test_families_add_up_as_noisy_or_and_clues_of_one_family_do_not() -> None:
    state, up = Clue(Family.STATE, 1.0, ("a",)), Clue(Family.LIVENESS, 0.5, ("b",))
    assert strength([state]) == pytest.approx(TRUST[Family.STATE])
    assert strength([state, up]) == pytest.approx(1 - 0.1 * 0.6)
    assert strength([state, state, up, Clue(Family.LIVENESS, 0.1, ("c",))]) == strength([state, up])
    assert strength([]) == 0


def test_the_documented_formula() -> None:
    clues = [Clue(Family.STATE, 1.0, ("a",)), Clue(Family.LIVENESS, 1.0, ("b",)), Clue(Family.LOGS, 0.0, ("c",))]
    assert contrast(0.8, 0.2) == pytest.approx(0.75)
    assert probability(0.8, 0.2, clues) == pytest.approx(0.8 * (0.5 + 0.35 * 0.75 + 0.15 * 2 / 3))


@given(clues=CLUES, rival=UNIT, more=UNIT)
def test_a_probability_stays_in_bounds_and_falls_with_a_stronger_rival(
    clues: list[Clue], rival: float, more: float
) -> None:
    score = strength(clues)
    assert 0 <= probability(score, max(rival, more), clues) <= probability(score, min(rival, more), clues) <= 1


@given(clues=CLUES, extra=st.sampled_from(Family), weight=UNIT)
def test_another_clue_never_weakens_a_suspicion(clues: list[Clue], extra: Family, weight: float) -> None:
    assert strength([*clues, Clue(extra, weight, ("ev",))]) >= strength(clues) - 1e-12


@given(first=UNIT, scores=st.lists(UNIT, max_size=6))
def test_what_is_left_is_shared_and_never_beats_the_first(first: float, scores: list[float]) -> None:
    rest = share_rest(first, scores)
    assert all(0 <= value <= first for value in rest)
    assert first + sum(rest) <= 1 + 1e-9


def test_agreement_is_the_share_of_sources_that_point_at_nobody_else_more() -> None:
    mine = [Clue(Family.STATE, 1.0, ("a",)), Clue(Family.SYMPTOM, 0.5, ("b",)), Clue(Family.EXCESS, 0.2, ("c",))]
    assert sources(mine) == 2
    assert agreement(mine, []) == 1.0
    assert agreement(mine, [[Clue(Family.EXCESS, 0.9, ("d",))]]) == 0.5
    assert agreement([], [mine]) == 0.0


def test_features_are_recorded_rounded() -> None:
    features = Features(0.123456, 1 / 3, 2.0, 2 / 3, 1.0, 4.0, -0.0, 1.0, 0.0, 1.0, 0.5)
    recorded = features.rounded()
    assert recorded["score"] == 0.1235
    assert str(recorded["explained"]) == "0.0"
    assert all(round(value, 4) == value for value in recorded.values())
