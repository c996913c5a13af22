"""Texts without a model: every sentence ends with a citation that exists, or says that it is an opinion."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from agents.summaries.plain import plain_text
from agents.summaries.record import IncidentRecord, citable
from agents.summaries.text import OPINION, IncidentText, TextKind, quoted
from core.models import (
    Alert,
    AlertStatus,
    ApprovalState,
    AttemptState,
    Decision,
    Diagnosis,
    Digest,
    Evidence,
    EvidenceKind,
    FaultKind,
    Hypothesis,
    IncidentStatus,
    Judgement,
    Recovery,
    RuledOut,
    Rung,
    Severity,
    TimelineEntry,
    Verification,
    Window,
)
from tests.agents.summaries.samples import recorded
from tests.stores.samples import NOON, alert, approval, attempt, incident

_END = re.compile(r" \[([a-z]+_[0-9A-Za-z_]+(?:, [a-z]+_[0-9A-Za-z_]+)*)\]$")
STRANGE = st.text(max_size=60) | st.sampled_from(
    ["done [ev_fake]", "a.\n- b [ev_fake]", "# heading", "token AKIAIOSFODNN7EXAMPLE", "x" * 400, ""]
)


def unfounded(told: IncidentText, record: IncidentRecord) -> list[str]:
    """Lines that neither cite what is there nor say that they are an opinion."""
    known = set(citable(record))
    lines = [line for line in told.markdown.split("\n") if line and not line.startswith(("# ", "## "))]
    assert len(lines) == sum(len(section.sentences) for section in told.sections)
    return [
        line
        for line in lines
        if not line.startswith("- ")
        or not (line.endswith(OPINION) or ((end := _END.search(line)) and set(end[1].split(", ")) <= known))
    ]


@pytest.mark.parametrize("kind", list(TextKind))
def test_the_text_of_a_recorded_incident(kind: TextKind, snapshot: SnapshotAssertion) -> None:
    record = recorded()
    told = plain_text(kind, record)
    assert told.markdown == snapshot
    assert unfounded(told, record) == []
    assert told.rung is Rung.RULES


@st.composite
def records(draw: st.DrawFn) -> IncidentRecord:
    """Incidents in any state, whose every text a stranger may have written."""
    strange = STRANGE
    evidence = tuple(
        Evidence(
            id=f"ev_{number}",
            incident_id="inc_1",
            kind=draw(st.sampled_from(EvidenceKind)),
            tool="metric_digest",
            source=draw(strange),
            query="{}",
            window=Window(start=NOON, end=NOON),
            subject=draw(strange),
            digest=Digest(summary=draw(strange)),
            error=draw(strange),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    ids = st.lists(st.sampled_from([one.id for one in evidence]), min_size=1, max_size=3).map(tuple)
    hypotheses = tuple(
        Hypothesis(
            service=draw(strange),
            kind=draw(st.sampled_from(FaultKind)),
            statement=draw(strange),
            probability=0.5,
            evidence_for=draw(ids),
            evidence_against=draw(st.just(()) | ids),
        )
        for _ in range(draw(st.integers(0, 2)))
    )
    diagnosis = Diagnosis(
        hypotheses=hypotheses,
        ruled_out=(RuledOut(service=draw(strange), reason=draw(strange)),),
        confidence=0.5,
        abstained="" if hypotheses else draw(strange),
    )
    decision = Decision(
        id="dec_1",
        incident_id="inc_1",
        agent="rca",
        agent_version="1",
        rung=Rung.RULES,
        result=diagnosis.model_dump_json(),
        confidence=0.5,
        at=NOON,
    )
    verification = Verification(
        recovery=draw(st.sampled_from(Recovery)), seconds=1.0, detail=draw(strange), evidence=draw(st.just(()) | ids)
    )
    ended = draw(st.none() | st.just(NOON + timedelta(minutes=20)))
    return IncidentRecord(
        incident=incident(
            title=draw(strange),
            service=draw(strange),
            status=draw(st.sampled_from(IncidentStatus)),
            outcome=draw(strange),
            ended_at=ended,
            judged=draw(st.none() | st.sampled_from(Judgement)),
            judged_service=draw(strange),
        ),
        alerts=(
            Alert(
                fingerprint="fp",
                status=AlertStatus.FIRING,
                name=draw(strange),
                severity=Severity.INFO,
                service=draw(strange),
                starts_at=NOON,
                source="cli",
            ),
        ),
        timeline=tuple(
            TimelineEntry(at=NOON, kind="note", text=draw(strange)) for _ in range(draw(st.sampled_from([0, 1, 70])))
        ),
        evidence=evidence,
        decisions=draw(st.sampled_from([(), (decision,)])),
        approvals=(approval("app_1", state=draw(st.sampled_from(ApprovalState)), note=draw(strange)),),
        attempts=(attempt(state=draw(st.sampled_from(AttemptState)), verification=verification),),
    )


@settings(max_examples=25)
@given(records(), st.sampled_from(TextKind))
def test_every_sentence_cites_what_exists_or_is_marked_as_an_opinion(record: IncidentRecord, kind: TextKind) -> None:
    told = plain_text(kind, record)
    assert unfounded(told, record) == []
    assert "AKIAIOSFODNN7EXAMPLE" not in told.markdown
    assert told.sections


@given(STRANGE)
def test_a_strangers_text_is_one_line_without_markup(text: str) -> None:
    shown = quoted(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]<>`*#|]", shown)


def test_a_hand_over_says_what_waits_and_what_nobody_saw() -> None:
    record = recorded()
    broken = record.evidence[0].model_copy(update={"error": "Loki refused the call"})
    waiting = replace(
        record,
        incident=record.incident.model_copy(update={"status": IncidentStatus.AWAITING_APPROVAL, "ended_at": None}),
        evidence=(broken, *record.evidence[1:]),
        approvals=(approval("app_7"),),
        alerts=(*record.alerts, alert()),
    )
    told = plain_text(TextKind.HANDOVER, waiting).markdown
    assert "waits for a human since 12:00:00Z. [app_7]" in told
    assert f"did not answer: Loki refused the call. [{broken.id}]" in told
    assert "`quell approve` or `quell reject` app_7. (opinion)" in told
    assert "Quell still works on it: awaiting approval." in told


def test_an_incident_that_was_not_looked_at_yet_has_a_text() -> None:
    record = IncidentRecord(incident("inc_9"), (), (), (), (), (), ())
    assert "The incident has not been diagnosed. [inc_9]" in plain_text(TextKind.SUMMARY, record).markdown


@pytest.mark.parametrize("kind", list(TextKind))
def test_a_text_stays_bounded_whatever_happened(kind: TextKind) -> None:
    record = recorded()
    broken = tuple(
        one.model_copy(update={"id": f"ev_{number}", "error": "x" * 2000})
        for number, one in enumerate(record.evidence * 50)
    )
    huge = replace(
        record,
        alerts=record.alerts * 500,
        timeline=record.timeline * 100,
        evidence=(*record.evidence, *broken),
        approvals=tuple(approval(f"app_{number}") for number in range(200)),
        attempts=tuple(attempt(f"att_{number}") for number in range(200)),
    )
    told = plain_text(kind, huge)
    assert len(told.markdown) < 40_000
    assert unfounded(told, huge) == []
    assert "490 more alerts." in told.markdown
