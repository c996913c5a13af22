"""Families are fused by contrast: clear ones speak up, unclear ones whisper, silent ones say nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.causes.confidence import TRUST, Family
from analysis.causes.families.reading import FamilyReading, Mark
from analysis.causes.fusion import TIED, Fused, fuse

SERVICES = ("a", "b", "c", "d")
FAMILIES = (Family.EXCESS, Family.RESOURCE, Family.OPERATIONS, Family.CALLS, Family.CHANGE)


def mark(service: str, score: float, strength: float = 1.0) -> Mark:
    return Mark(service, score, None, "x", f"{service} stands out", None, (f"ev-{service}",), strength)


def reading(family: Family, **scores: float) -> FamilyReading:
    return FamilyReading(family, tuple(mark(service, score) for service, score in scores.items()))


READINGS = st.lists(
    st.builds(
        FamilyReading,
        st.sampled_from(FAMILIES),
        st.lists(st.builds(mark, st.sampled_from(SERVICES), st.just(0.0) | st.floats(1e-3, 1e6)), max_size=4).map(
            tuple
        ),
    ),
    max_size=5,
    unique_by=lambda one: one.family,
)


def scores(fused: tuple[Fused, ...]) -> dict[str, float]:
    return {one.service: round(one.score, 9) for one in fused}


def test_a_lone_mark_is_worth_the_trust_in_its_family() -> None:
    (one,) = fuse([reading(Family.EXCESS, a=0.002)])
    assert one.score == pytest.approx(TRUST[Family.EXCESS])
    assert one.clues[0].evidence == ("ev-a",)


def test_a_clear_family_outvotes_two_unclear_ones() -> None:
    clear = reading(Family.CALLS, a=90.0, b=3.0)
    unclear = [reading(Family.OPERATIONS, b=50.0, a=49.0, c=48.0), reading(Family.EXCESS, b=7.0, a=6.9, d=6.8)]
    assert next(iter(fuse([clear, *unclear]))).service == "a"


def test_tied_leaders_are_worth_the_same_and_less_than_one_alone() -> None:
    both = fuse([reading(Family.CALLS, a=5.0, b=5.0)])
    assert [one.score for one in both] == pytest.approx([TIED * TRUST[Family.CALLS]] * 2)


def test_a_weak_mark_stays_weak_without_any_rival() -> None:
    (one,) = fuse([FamilyReading(Family.RESOURCE, (mark("a", 9.0, strength=0.5),))])
    assert one.score == pytest.approx(TRUST[Family.RESOURCE] / 2)


def test_marks_keep_the_order_of_their_clues() -> None:
    (one,) = fuse([reading(Family.EXCESS, a=1.0), reading(Family.RESOURCE, a=1.0)])
    assert [clue.family for clue in one.clues] == [Family.RESOURCE, Family.EXCESS]
    assert len(one.marks) == 2


def test_nothing_said_is_nothing_fused() -> None:
    assert fuse([]) == ()
    assert fuse([FamilyReading(Family.CALLS, ()), reading(Family.EXCESS, a=0.0)]) == ()


@given(readings=READINGS)
def test_scores_are_bounded_and_sorted_and_silence_changes_nothing(readings: list[FamilyReading]) -> None:
    fused = fuse(readings)
    assert all(0 <= one.score <= 1 and one.clues for one in fused)
    assert [round(one.score, 6) for one in fused] == sorted((round(one.score, 6) for one in fused), reverse=True)
    assert fuse([*readings, FamilyReading(Family.LOGS, ())]) == fused


@given(readings=READINGS, factor=st.sampled_from([0.001, 0.5, 2.0, 1024.0]))
def test_the_unit_of_a_family_does_not_matter(readings: list[FamilyReading], factor: float) -> None:
    scaled = [
        FamilyReading(one.family, tuple(replace(each, score=each.score * factor) for each in one.marks))
        for one in readings
    ]
    assert scores(fuse(scaled)) == pytest.approx(scores(fuse(readings)), abs=1e-6)


@given(readings=READINGS)
def test_the_order_of_the_families_does_not_matter(readings: list[FamilyReading]) -> None:
    assert scores(fuse(readings[::-1])) == pytest.approx(scores(fuse(readings)), abs=1e-9)
