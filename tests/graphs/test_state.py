"""A checkpoint is trusted only when it holds this program's models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import StateInvalid
from core.models import Alert, AlertStatus, Autonomy, Ending, Incident, IncidentStatus, Severity
from graphs.state import attempted, chosen, joined, validate_state
from stores.checkpoints import serializer

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
INCIDENT = Incident(
    id="inc_1",
    status=IncidentStatus.OPEN,
    severity=Severity.WARNING,
    title="t",
    autonomy=Autonomy.ACT,
    opened_at=NOW,
    updated_at=NOW,
)

ALERT = Alert(
    fingerprint="f",
    status=AlertStatus.FIRING,
    name="a",
    severity=Severity.WARNING,
    labels={"a": "b"},
    starts_at=NOW,
    source="test",
)


def test_a_state_that_went_through_the_serializer_is_valid() -> None:
    serde = serializer()
    state = {
        "incident": INCIDENT,
        "round": 1,
        "tried": ("prop_1",),
        "evidence": ("ev_1",),
        "ending": Ending.DENIED,
        "alerts": (ALERT,),
    }
    back = serde.loads_typed(serde.dumps_typed(state))
    validate_state(back)
    assert back["incident"] == INCIDENT
    assert list(back["alerts"]) == [ALERT]
    assert back["ending"] is Ending.DENIED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("incident", INCIDENT.model_dump()),
        ("round", "1"),
        ("tried", ["prop_1", 2]),
        ("findings", ({"service": "a"},)),
        ("ending", "no such ending"),
    ],
)
def test_a_state_with_a_strange_value_is_refused_with_its_place(field: str, value: Any) -> None:
    with pytest.raises(StateInvalid, match=field) as caught:
        validate_state({"incident": INCIDENT, field: value})
    assert "human" in caught.value.fix


def test_what_a_repeated_node_adds_again_counts_once() -> None:
    assert joined(("a", "b"), ("b", "c", "c")) == ("a", "b", "c")


def test_a_node_that_needs_a_proposal_or_attempt_says_that_there_is_none() -> None:
    with pytest.raises(StateInvalid, match="no proposal"):
        chosen({"incident": INCIDENT})
    with pytest.raises(StateInvalid, match="no attempt"):
        attempted({"incident": INCIDENT, "attempt": None})
