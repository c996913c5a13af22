"""The prior of the models' confidence: what raises it, what lowers it, and that a model's word alone is not enough."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.calibration.judging import PRIOR, SUREST, evidence_features, log_odds, own_features, track_record
from core.models import Digest, Evidence, EvidenceKind, Window
from tests.analysis.shop import WINDOW

KINDS = (EvidenceKind.METRIC, EvidenceKind.LOG, EvidenceKind.CHANGE, EvidenceKind.STATE)


def pieces(count: int, kinds: int, window: Window = WINDOW) -> tuple[Evidence, ...]:
    """So many pieces of so many kinds."""
    return tuple(
        Evidence(
            id=f"ev_{number}",
            incident_id="inc_1",
            kind=KINDS[number % kinds],
            tool="",
            source="",
            query="{}",
            window=window,
            subject="payment",
            digest=Digest(summary=""),
        )
        for number in range(count)
    )


def sure(*, own: float = 0.9, cited: tuple[int, int] = (2, 2), support: float | None = None, **more: Any) -> float:
    """Probability of an answer; without more, one that the rules have no opinion on."""
    features = {**own_features(own), **evidence_features(pieces(*cited)), **more}
    if support is not None:
        features["support"] = log_odds(support)
    return PRIOR.probability(features)


def test_agreeing_with_the_rules_is_enough_for_critical_incidents_and_contradicting_them_is_not() -> None:
    assert sure(support=0.75) >= 0.9 > sure(support=0.75, own=0.3)
    assert sure(support=0.55) >= 0.7
    assert sure(support=0.05, own=1.0, cited=(9, 4)) < 0.7
    assert sure(support=0.05, own=1.0, cited=(9, 4), frontier=1.0) < 0.7


def test_a_models_own_word_alone_is_not_enough() -> None:
    assert sure(own=1.0, cited=(0, 1)) < 0.7
    assert sure(own=1.0, cited=(2, 2), missing=1.0) < 0.7 < sure(own=0.9)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("own", [0.0, 0.2, 0.5, 0.8, 1.0]),
        ("cited", [(1, 1), (2, 1), (2, 2), (3, 3), (5, 4)]),
        ("support", [0.01, 0.2, 0.5, 0.8, 0.95]),
        ("agreement", [-1.0, 0.0, 1.0]),
        ("recall", [0.0, 0.5, 1.0]),
        ("missing", [1.0, 0.5, 0.0]),
        ("unproven", [1.0, 0.5, 0.0]),
        ("frontier", [0.0, 1.0]),
    ],
)
def test_each_feature_pulls_its_way(name: str, values: list[Any]) -> None:
    found = [sure(**{name: value}) for value in values]
    assert all(lower < higher for lower, higher in pairwise(found))


@given(st.floats(0, 1))
def test_nothing_said_before_counts_for_everything(probability: float) -> None:
    assert abs(log_odds(probability)) <= log_odds(SUREST) + 1e-12


def test_a_track_record_needs_successes() -> None:
    assert track_record(1.0, 0, 5) == 0.0
    assert track_record(0.9, 9, 0) == pytest.approx(0.81)
    assert track_record(0.9, 9, 9) < track_record(0.9, 9, 0)
