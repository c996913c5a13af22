"""Undo: what takes an attempt back, and when nothing does."""

from __future__ import annotations

from typing import Any

import pytest

from core.models import ActionOutcome, Attempt, AttemptState, Risk
from remediation.undo import undo_of
from tests.stores.samples import attempt, proposal
from tests.tools.world import SHOP
from tools.registry import validate_proposal


def done(action: str, before: str = "", **fields: Any) -> Attempt:
    outcome = ActionOutcome(ok=True, detail="done", before=before)
    return attempt(of=proposal(action=action), **{"state": AttemptState.DONE, "outcome": outcome, **fields})


def test_a_rollback_goes_back_to_the_release_before() -> None:
    undo = undo_of(done("rollback", before="2.0"))
    assert undo is not None
    assert (undo.action, undo.service, undo.parameters) == ("rollback", "payment", {"release": "2.0"})
    assert undo.risk is Risk.MEDIUM
    assert validate_proposal(undo, SHOP).hash == undo.hash


def test_scaling_is_taken_back_to_the_count_before() -> None:
    undo = undo_of(done("scale", before="2"))
    assert undo is not None
    assert (undo.action, undo.parameters) == ("scale", {"replicas": "2"})
    assert undo_of(done("scale", before="0")) is None


def test_a_stopped_service_is_started() -> None:
    undo = undo_of(done("stop", before="running"))
    assert undo is not None
    assert (undo.action, undo.parameters) == ("start", {})


@pytest.mark.parametrize(
    "left",
    [
        done("restart"),
        done("start"),
        done("rollback", before=""),
        done("rollback", before="2.0", state=AttemptState.FAILED),
        done("rollback", before="2.0", state=AttemptState.UNKNOWN),
        done("rollback", before="2.0", dry_run=True),
        done("rollback", before="2.0", undo_of="att_0"),
        done("stop", outcome=None),
    ],
)
def test_nothing_to_take_back(left: Attempt) -> None:
    assert undo_of(left) is None
