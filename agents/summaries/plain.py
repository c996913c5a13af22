"""The three texts without any model: what the record says, sorted for who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.summaries import facts
from agents.summaries.record import IncidentRecord
from agents.summaries.text import IncidentText, Said, Section, TextKind, markdown, quoted, said
from core.models import LIVE, ApprovalState, FaultKind, Recovery

TITLES: Mapping[TextKind, str] = {
    TextKind.SUMMARY: "Incident summary",
    TextKind.HANDOVER: "Hand-over",
    TextKind.POSTMORTEM: "Post-mortem (draft)",
}


def plain_text(kind: TextKind, record: IncidentRecord) -> IncidentText:
    """The text of that kind."""
    sections = tuple(section for section in _SECTIONS[kind](record) if section.sentences)
    title = title_of(kind, record)
    return IncidentText(
        incident_id=record.incident.id,
        kind=kind,
        title=title,
        sections=sections,
        markdown=markdown(title, sections),
    )


def title_of(kind: TextKind, record: IncidentRecord) -> str:
    """Kind, title and id in a line."""
    return f"{TITLES[kind]}: {quoted(record.incident.title)} ({quoted(record.incident.id)})"


def _summary(record: IncidentRecord) -> list[Section]:
    return [
        _section("What happened", [*facts.symptom(record), *facts.findings(record)[:3]]),
        _section("Cause", facts.cause(record)),
        _section("What was done", [*facts.actions(record), *facts.questions(record)]),
        _section("Outcome", facts.outcome(record)),
    ]


def _handover(record: IncidentRecord) -> list[Section]:
    return [
        _section("Where it stands", [*facts.outcome(record), *facts.symptom(record)]),
        _section("What is known", [*facts.cause(record), *facts.alternatives(record), *facts.findings(record)]),
        _section("What was tried", facts.actions(record)),
        _section("What waits for you", [*facts.questions(record), *facts.silence(record)]),
        _section("Next", _next_steps(record)),
    ]


def _postmortem(record: IncidentRecord) -> list[Section]:
    return [
        _section("Impact", [*facts.symptom(record), *facts.outcome(record)]),
        _section("Root cause", [*facts.cause(record), *facts.alternatives(record)]),
        _section("Signs", facts.findings(record)),
        _section(
            "Detection and response", [*facts.detection(record), *facts.actions(record), *facts.questions(record)]
        ),
        _section("What nobody saw", facts.silence(record)),
        _section("Timeline (UTC)", facts.timeline(record)),
        _section("Lessons", _lessons(record)),
    ]


_SECTIONS: Mapping[TextKind, Callable[[IncidentRecord], list[Section]]] = {
    TextKind.SUMMARY: _summary,
    TextKind.HANDOVER: _handover,
    TextKind.POSTMORTEM: _postmortem,
}


def _next_steps(record: IncidentRecord) -> list[Said]:
    """What a colleague would do now: opinions, by rule."""
    steps = [
        f"Decide on {quoted(each.proposal.action)} of {quoted(each.proposal.service)} with `quell approve` or"
        f" `quell reject` {quoted(each.id)}."
        for each in record.approvals
        if each.state is ApprovalState.PENDING
    ]
    diagnosis = record.diagnosis
    first = diagnosis.first if diagnosis else None
    if any(one.error for one in record.evidence):
        steps.append("See with `quell doctor` why sources did not answer, then look again.")
    if record.incident.status in LIVE:
        steps.append("Quell goes on by itself; stop it if you take over.")
    elif record.incident.ended_at is not None:
        steps.append("Close it with what it really was, so that the confidence learns from it.")
    elif first is None or first.kind is FaultKind.UNKNOWN:
        steps.append("Begin with the strongest finding, and with what its service calls.")
    else:
        steps.append(f"Check {quoted(first.service)} yourself before anything else.")
    return [said(step, ()) for step in steps]


def _lessons(record: IncidentRecord) -> list[Said]:
    """Where to look for lessons: opinions, by rule; people write the rest."""
    diagnosis = record.diagnosis
    first = diagnosis.first if diagnosis else None
    failed = [
        one for one in record.attempts if one.verification and one.verification.recovery is not Recovery.RECOVERED
    ]
    steps = []
    if first is not None:
        steps.append(f"Ask what let {first.kind} of {quoted(first.service)} happen, and what would have prevented it.")
    if failed:
        steps.append("An action did not help: ask whether the runbook or the diagnosis led to it.")
    if any(one.error for one in record.evidence):
        steps.append("Some sources did not answer: see that they do next time.")
    steps.append("Impact on users, owners and dates of follow-ups are for people to write.")
    return [said(step, ()) for step in steps]


def _section(heading: str, sentences: list[Said]) -> Section:
    return Section(heading=heading, sentences=tuple(dict.fromkeys(sentences)))
