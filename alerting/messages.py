"""What a human is told: plain records that every channel can show."""

from __future__ import annotations

from pydantic import Field

from core.models import Approval, Incident, Model, Severity


class Step(Model):
    """Something the reader can do, as a command to type."""

    text: str
    command: str


class Message(Model):
    """One notice. Titles and texts may quote alerts, so a channel shows them as data."""

    incident_id: str = Field(default="", description="empty for a notice that is about no incident")
    title: str = Field(min_length=1)
    severity: Severity
    service: str = ""
    status: str = ""
    what: str = Field(min_length=1, description="what happened")
    why: str = Field(default="", description="why a human is asked; empty when there is nothing to do")
    steps: tuple[Step, ...] = ()


def approval_needed(incident: Incident, approval: Approval) -> Message:
    """Quell knows what to do and may not do it alone."""
    proposal = approval.proposal
    reasons = "; ".join(f"{reason.rule}: {reason.detail or reason.effect}" for reason in approval.reasons)
    return _about(
        incident,
        what=f"{proposal.hypothesis} Proposed: {proposal.action} {proposal.service} ({proposal.risk} risk). "
        f"Expected: {proposal.expected_effect}",
        why=f"this needs your approval ({reasons})" if reasons else "this needs your approval",
        steps=(
            Step(text="Approve", command=f"quell approve {approval.id}"),
            Step(text="Reject", command=f"quell reject {approval.id}"),
        ),
    )


def human_needed(incident: Incident, why: str) -> Message:
    """Quell has come to its end with this incident."""
    return _about(
        incident,
        what=_cause(incident),
        why=why,
        steps=(Step(text="Take it", command=f"quell incidents acknowledge {incident.id}"),),
    )


def incident_ended(incident: Incident) -> Message:
    """Nothing is left to do but to say whether it was real."""
    return _about(incident, what=f"{_cause(incident)} {incident.outcome}".strip())


def _cause(incident: Incident) -> str:
    if not incident.cause_kind:
        return "No cause was found."
    confidence = f", confidence {incident.confidence:.0%}" if incident.confidence is not None else ""
    return f"Cause: {incident.cause_kind} in {incident.cause_service or 'an unknown service'}{confidence}."


def _about(incident: Incident, *, what: str, why: str = "", steps: tuple[Step, ...] = ()) -> Message:
    return Message(
        incident_id=incident.id,
        title=incident.title,
        severity=incident.severity,
        service=incident.service,
        status=incident.status,
        what=what,
        why=why,
        steps=(*steps, Step(text="Details", command=f"quell incidents show {incident.id}")),
    )
