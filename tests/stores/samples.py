"""Nouns for tests that care for a field or two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from core.llm import ModelTask
from core.models import (
    Alert,
    AlertStatus,
    Approval,
    ApprovalState,
    Attempt,
    AttemptState,
    Autonomy,
    Incident,
    IncidentStatus,
    Proposal,
    Risk,
    Rung,
    Severity,
)
from core.spending import ModelCall

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def incident(identity: str = "inc_1", **fields: Any) -> Incident:
    return Incident(
        **{
            "id": identity,
            "status": IncidentStatus.OPEN,
            "severity": Severity.CRITICAL,
            "title": "gateway fails",
            "service": "gateway",
            "autonomy": Autonomy.ACT,
            "opened_at": NOON,
            "updated_at": NOON,
            **fields,
        }
    )


def alert(fingerprint: str = "fp_1", **fields: Any) -> Alert:
    return Alert(
        **{
            "fingerprint": fingerprint,
            "status": AlertStatus.FIRING,
            "name": "HighErrorRate",
            "severity": Severity.CRITICAL,
            "starts_at": NOON,
            "source": "alertmanager",
            **fields,
        }
    )


def proposal(service: str = "payment", action: str = "restart") -> Proposal:
    return Proposal(
        action=action,
        service=service,
        hypothesis="payment crashed",
        confidence=0.9,
        expected_effect="it answers again",
        risk=Risk.LOW,
    )


def attempt(identity: str = "att_1", of: Proposal | None = None, **fields: Any) -> Attempt:
    what = of or proposal()
    return Attempt(
        **{
            "id": identity,
            "incident_id": "inc_1",
            "proposal": what,
            "proposal_hash": what.hash,
            "state": AttemptState.RESERVED,
            "reserved_at": NOON,
            **fields,
        }
    )


def approval(identity: str = "app_1", **fields: Any) -> Approval:
    what = proposal()
    return Approval(
        **{
            "id": identity,
            "incident_id": "inc_1",
            "proposal": what,
            "proposal_hash": what.hash,
            "state": ApprovalState.PENDING,
            "requested_at": NOON,
            **fields,
        }
    )


def call(identity: str = "call_1", **fields: Any) -> ModelCall:
    """Of a model, reserved and not yet settled; its cost is its worst case unless said otherwise."""
    at = fields.get("at", NOON)
    return ModelCall(
        **{
            "id": identity,
            "at": at,
            "expires_at": at + timedelta(minutes=2),
            "rung": Rung.FRONTIER,
            "model": "gpt-4o",
            "task": ModelTask.RCA,
            "agent": "rca",
            "reserved_usd": 0.02,
            "cost_usd": fields.get("reserved_usd", 0.02),
            **fields,
        }
    )
