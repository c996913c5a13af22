"""Sentences that the record itself makes true; each part of an incident is told in one way."""

from __future__ import annotations

from datetime import datetime, timedelta

from agents.summaries.record import IncidentRecord
from agents.summaries.text import Said, quoted, said
from core.models import (
    LIVE,
    Approval,
    ApprovalState,
    Attempt,
    AttemptState,
    EvidenceKind,
    Hypothesis,
    Incident,
    Recovery,
)

MAX_FINDINGS = 6
MAX_TIMELINE = 60
MAX_ROWS = 10
"""Of alerts, actions, questions and silent sources each."""

MAX_RULED_OUT = 4

_TOLD = {
    Recovery.RECOVERED: "the metrics showed recovery",
    Recovery.NOT_RECOVERED: "the metrics showed no recovery",
    Recovery.UNREADABLE: "the metrics could not be read",
}
_STATES = {
    AttemptState.RESERVED: "was reserved and has not begun",
    AttemptState.RUNNING: "is under way",
    AttemptState.DONE: "was carried out",
    AttemptState.FAILED: "failed",
    AttemptState.UNKNOWN: "has an unknown effect",
}


def clock(at: datetime) -> str:
    """A time of day as texts show it, UTC."""
    return f"{at:%H:%M:%SZ}"


def symptom(record: IncidentRecord) -> list[Said]:
    """What was noticed, where and when."""
    incident = record.incident
    where = quoted(incident.service) or "no known service"
    opened = f"{incident.severity.value.capitalize()} incident on {where}, opened {incident.opened_at:%Y-%m-%d} at"
    told = [said(f"{opened} {clock(incident.opened_at)}: {quoted(incident.title)}.", [incident.id])]
    heard = tuple(one.id for one in record.evidence if one.kind is EvidenceKind.ALERT and not one.error)
    for alert in record.alerts[:MAX_ROWS]:
        about = f" for {quoted(alert.service)}" if alert.service else ""
        text = f"Alert {quoted(alert.name)}{about} began at {clock(alert.starts_at)}, {alert.severity}."
        told.append(said(text, (*heard, incident.id)))
    return [*told, *_more(len(record.alerts), "alerts", incident)]


def findings(record: IncidentRecord) -> list[Said]:
    """What left its baseline, strongest first."""
    return [
        said(
            f"{quoted(one.text or f'{one.service} {one.signal} {one.shape}')}, since {clock(one.onset)}.", one.evidence
        )
        for one in record.findings[:MAX_FINDINGS]
    ]


def cause(record: IncidentRecord) -> list[Said]:
    """What the diagnosis names, or why it names nothing."""
    diagnosis, decision = record.diagnosis, record.last("rca")
    if diagnosis is None or decision is None:
        return [said("The incident has not been diagnosed.", [record.incident.id])]
    first = diagnosis.first
    if first is None:
        reason = quoted(diagnosis.abstained) or "no hypothesis is left"
        return [said(f"No cause is named: {reason}.", [decision.id])]
    sure = f"confidence {diagnosis.confidence:.0%}, by {decision.rung}"
    return [
        said(f"Named cause: {quoted(first.service)}, {first.kind} ({sure}).", (*first.evidence_for, decision.id)),
        said(f"{_sentence(first.statement)}", (*first.evidence_for, decision.id)),
        *([said("Some evidence speaks against it.", first.evidence_against)] if first.evidence_against else []),
    ]


def alternatives(record: IncidentRecord) -> list[Said]:
    """What else it may be, and what was ruled out."""
    diagnosis, decision = record.diagnosis, record.last("rca")
    if diagnosis is None or decision is None:
        return []
    others = diagnosis.hypotheses[1:] if diagnosis.first else diagnosis.hypotheses
    return [
        *(said(f"Less likely: {_hypothesis(one)}.", (*one.evidence_for, decision.id)) for one in others),
        *(
            said(f"Ruled out: {quoted(one.service)}, {quoted(one.reason)}.", (*one.evidence, decision.id))
            for one in diagnosis.ruled_out[:MAX_RULED_OUT]
        ),
    ]


def actions(record: IncidentRecord) -> list[Said]:
    """What was done, and what the metrics said of it."""
    if not record.attempts:
        return [said("No action was carried out.", [record.incident.id])]
    told = [sentence for attempt in record.attempts[:MAX_ROWS] for sentence in _attempt(attempt)]
    return [*told, *_more(len(record.attempts), "actions", record.incident)]


def questions(record: IncidentRecord) -> list[Said]:
    """What was asked of a human, and what they answered."""
    told = [_approval(each) for each in record.approvals[:MAX_ROWS]]
    return [*told, *_more(len(record.approvals), "questions", record.incident)]


def silence(record: IncidentRecord) -> list[Said]:
    """Sources that did not answer: what nobody looked at."""
    silent = [one for one in record.evidence if one.error]
    told = []
    for one in silent[:MAX_ROWS]:
        asked = f"{quoted(one.tool)} of {quoted(one.subject) or 'the system'}"
        told.append(said(f"{asked} did not answer: {_sentence(one.error)}", [one.id]))
    return [*told, *_more(len(silent), "questions went unanswered", record.incident)]


def outcome(record: IncidentRecord) -> list[Said]:
    """How it stands or ended, and how long that took."""
    incident = record.incident
    if incident.status in LIVE:
        return [said(f"Quell still works on it: {incident.status.value.replace('_', ' ')}.", [incident.id])]
    told = [said(f"Status {incident.status}: {quoted(incident.outcome) or 'no outcome on record'}.", [incident.id])]
    if incident.ended_at is not None:
        told.append(
            said(f"It ended at {clock(incident.ended_at)}, {_span(incident)} after it was opened.", [incident.id])
        )
    if incident.judged is not None:
        cause = " ".join(filter(None, (quoted(incident.judged_service), incident.judged_kind or "")))
        told.append(said(f"A human judged it: {incident.judged}{f', {cause}' if cause else ''}.", [incident.id]))
    return told


def timeline(record: IncidentRecord) -> list[Said]:
    """The story as it was written down, oldest first, without the steps; of very many the first and last."""
    entries = [each for each in record.timeline if each.kind != "node"]
    half = MAX_TIMELINE // 2
    told = [said(f"{clock(each.at)} {each.kind}: {_sentence(each.text)}", [record.incident.id]) for each in entries]
    if len(entries) <= MAX_TIMELINE:
        return told
    gap = said(f"{len(entries) - 2 * half} more entries are left out here.", [record.incident.id])
    return [*told[:half], gap, *told[-half:]]


def detection(record: IncidentRecord) -> list[Said]:
    """How long it took from the first sign to the alert, and from there to a cause."""
    incident, decision = record.incident, record.last("rca")
    onsets = [one.onset for one in record.findings]
    told = []
    if onsets:
        first = min(onsets)
        cites = [one.evidence[0] for one in record.findings if one.onset == first]
        delay = _seconds(incident.opened_at - first)
        told.append(said(f"The first sign was at {clock(first)}, {delay} the incident.", (*cites, incident.id)))
    if decision is not None:
        delay = _seconds(incident.opened_at - decision.at)
        told.append(
            said(f"The diagnosis came at {clock(decision.at)}, {delay} the incident.", [decision.id, incident.id])
        )
    return told


def _more(count: int, what: str, incident: Incident) -> list[Said]:
    """How many rows are left out."""
    return [said(f"{count - MAX_ROWS} more {what}.", [incident.id])] if count > MAX_ROWS else []


def _attempt(attempt: Attempt) -> list[Said]:
    doing = f"{quoted(attempt.proposal.action)} of {quoted(attempt.proposal.service)}"
    what = f"Undo of {quoted(attempt.undo_of)}, {doing}," if attempt.undo_of else f"{doing}"
    dry = " (dry run)" if attempt.dry_run else ""
    at = clock(attempt.started_at or attempt.reserved_at)
    detail = f": {quoted(attempt.outcome.detail)}" if attempt.outcome and attempt.outcome.detail else ""
    told = [said(f"{what}{dry} {_STATES[attempt.state]} at {at}{detail}.", [attempt.id])]
    checked = attempt.verification
    if checked is not None:
        text = f"After {doing} {_TOLD[checked.recovery]}: {_sentence(checked.detail)}"
        told.append(said(text, (*checked.evidence, attempt.id)))
    return told


def _approval(approval: Approval) -> Said:
    what = f"{quoted(approval.proposal.action)} of {quoted(approval.proposal.service)}"
    if approval.state is ApprovalState.PENDING:
        text = f"{what} waits for a human since {clock(approval.requested_at)}."
    elif approval.decided_by:
        note = f", saying {quoted(approval.note)}" if approval.note else ""
        text = f"{what} was {approval.state} by {quoted(approval.decided_by)}{note}."
    else:
        text = f"{what}: the question was {approval.state}."
    return said(text, [approval.id])


def _hypothesis(one: Hypothesis) -> str:
    return f"{quoted(one.service)}, {one.kind}, probability {one.probability:.0%}"


def _sentence(text: str) -> str:
    """A stranger's text that ends like a sentence."""
    shown = quoted(text)
    return shown if shown.endswith((".", "!", "?", "…")) else f"{shown}."


def _span(incident: Incident) -> str:
    seconds = (incident.ended_at - incident.opened_at).total_seconds() if incident.ended_at else 0.0
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _seconds(ahead: timedelta) -> str:
    """How far before or after something is."""
    seconds = ahead.total_seconds()
    return f"{abs(seconds):.0f} s {'before' if seconds >= 0 else 'after'}"
