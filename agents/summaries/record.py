"""All that is on record about an incident, and everything in it that a sentence may cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.models import Findings
from core.models import (
    Alert,
    Approval,
    Attempt,
    Decision,
    Diagnosis,
    Digest,
    Evidence,
    EvidenceKind,
    Fact,
    Finding,
    Incident,
    TimelineEntry,
    Window,
)

RECORD = "record"
"""Tool of what is cited as evidence but was written by Quell itself."""


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """An incident as the store has it; each part oldest first."""

    incident: Incident
    alerts: tuple[Alert, ...]
    timeline: tuple[TimelineEntry, ...]
    evidence: tuple[Evidence, ...]
    decisions: tuple[Decision, ...]
    approvals: tuple[Approval, ...]
    attempts: tuple[Attempt, ...]

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The last one."""
        decision = self.last("rca")
        return None if decision is None else Diagnosis.model_validate_json(decision.result)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the last look, strongest first."""
        decision = self.last("anomaly")
        return () if decision is None else Findings.model_validate_json(decision.result).findings

    def last(self, agent: str) -> Decision | None:
        """What that agent decided last."""
        return next((each for each in reversed(self.decisions) if each.agent == agent), None)


def citable(record: IncidentRecord) -> Mapping[str, Evidence]:
    """Evidence, and the entries of the record in the form of evidence, by id."""
    incident = record.incident
    window = Window(start=incident.opened_at, end=max(incident.opened_at, incident.ended_at or incident.updated_at))
    own = {incident.id: (incident.title, tuple((each.text, each.at) for each in record.timeline))}
    own |= {each.id: (f"{each.agent}: {each.result}", ((each.agent, each.at),)) for each in record.decisions}
    own |= {each.id: (_attempt(each), ((each.state.value, each.reserved_at),)) for each in record.attempts}
    own |= {each.id: (each.proposal.action, ((each.state.value, each.requested_at),)) for each in record.approvals}
    found = {one.id: one for one in record.evidence}
    for identity, (summary, rows) in own.items():
        facts = tuple(Fact(subject=incident.service, name=RECORD, value=text, at=at) for text, at in rows)
        found[identity] = Evidence(
            id=identity,
            incident_id=incident.id,
            kind=EvidenceKind.STATE,
            tool=RECORD,
            source=RECORD,
            query="{}",
            window=window,
            subject=incident.service,
            digest=Digest(summary=summary, facts=facts),
        )
    return found


def _attempt(attempt: Attempt) -> str:
    parts = [attempt.proposal.action, attempt.outcome.detail if attempt.outcome else ""]
    if attempt.verification is not None:
        parts.append(f"{attempt.verification.detail} {attempt.verification.seconds:g} s")
    return "; ".join(part for part in parts if part)
