"""What people are told: enough to decide, with the commands to type."""

from __future__ import annotations

from alerting.messages import approval_needed, human_needed, incident_ended
from core.clock import ManualClock
from core.models import (
    Approval,
    ApprovalState,
    Autonomy,
    Effect,
    FaultKind,
    GuardReason,
    Incident,
    IncidentStatus,
    Proposal,
    Risk,
    Severity,
)


def incident(clock: ManualClock, **fields: object) -> Incident:
    now = clock.now()
    base = Incident(
        id="inc_1",
        status=IncidentStatus.ESCALATED,
        severity=Severity.CRITICAL,
        title="ErrorRate on gateway",
        service="gateway",
        autonomy=Autonomy.PROPOSE,
        opened_at=now,
        updated_at=now,
    )
    return base.model_copy(update=fields)


def test_an_approval_says_what_why_and_how(clock: ManualClock) -> None:
    proposal = Proposal(
        action="restart",
        service="payment",
        hypothesis="payment hangs.",
        confidence=0.9,
        expected_effect="errors of gateway end",
        risk=Risk.LOW,
    )
    approval = Approval(
        id="apr_1",
        incident_id="inc_1",
        proposal=proposal,
        proposal_hash=proposal.hash,
        state=ApprovalState.PENDING,
        reasons=(GuardReason(rule="autonomy", effect=Effect.ASK, detail="payment is `propose`"),),
        requested_at=clock.now(),
    )
    message = approval_needed(incident(clock), approval)
    assert message.what == "payment hangs. Proposed: restart payment (low risk). Expected: errors of gateway end"
    assert message.why == "this needs your approval (autonomy: payment is `propose`)"
    commands = [step.command for step in message.steps]
    assert commands == ["quell approve apr_1", "quell reject apr_1", "quell incidents show inc_1"]


def test_a_handover_names_the_cause_and_the_reason(clock: ManualClock) -> None:
    known = incident(clock, cause_service="payment", cause_kind=FaultKind.CRASH, confidence=0.92)
    message = human_needed(known, "the restart did not help")
    assert (message.what, message.why) == ("Cause: crash in payment, confidence 92%.", "the restart did not help")
    assert message.steps[0].command == "quell incidents acknowledge inc_1"
    assert human_needed(incident(clock), "no cause found").what == "No cause was found."


def test_an_end_asks_for_nothing(clock: ManualClock) -> None:
    message = incident_ended(incident(clock, status=IncidentStatus.RESOLVED, outcome="restarted payment, errors ended"))
    assert (message.status, message.why) == ("resolved", "")
    assert message.what == "No cause was found. restarted payment, errors ended"
