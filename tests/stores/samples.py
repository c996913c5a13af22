"""Nouns for tests that care for a field or two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

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
    Severity,
)

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
