"""The page that people and models read: stable wording, what matters first, within its bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from analysis.brief import brief, ranked, told
from core.models import (
    Diagnosis,
    Digest,
    Evidence,
    EvidenceKind,
    Fact,
    FaultKind,
    Finding,
    Hypothesis,
    RuledOut,
    SeriesDigest,
    Severity,
    Shape,
    Signal,
    TemplateDigest,
    Window,
)
from core.tokens import tokens

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
ONSET = NOON + timedelta(minutes=3, seconds=10)
WINDOW = Window(start=NOON, end=NOON + timedelta(minutes=5))


def seen(identity: str, tool: str, subject: str, digest: Digest, *, error: str = "") -> Evidence:
    return Evidence(
        id=identity,
        incident_id="inc_1",
        kind=EvidenceKind.METRIC,
        tool=tool,
        source="http://prometheus:9090",
        query="{}",
        window=WINDOW,
        subject=subject,
        digest=digest,
        error=error,
    )


EVIDENCE = (
    seen("ev_calm", "metric_digest", "cart", Digest(summary="cpu of cart: 0.02 cores, usually 0.02")),
    seen("ev_gone", "log_digest", "cart", Digest(summary="the source did not answer"), error="Loki refused\nthe call"),
    seen(
        "ev_logs",
        "log_digest",
        "payment",
        Digest(
            summary="41 lines of payment in the window",
            templates=(
                TemplateDigest(
                    subject="payment",
                    template="charge of <n> EUR failed: pool exhausted",
                    severity=Severity.CRITICAL,
                    count=37,
                    rate_before=0.0,
                    rate_now=0.123,
                    first_at=ONSET,
                    example="charge of 12 EUR failed: pool exhausted",
                ),
            ),
            facts=tuple(Fact(subject="payment", name=f"fact {n}", value="x") for n in range(9)),
            omitted=4,
        ),
    ),
    seen(
        "ev_cpu",
        "metric_digest",
        "payment",
        Digest(
            summary="cpu of payment: 0.96 cores, usually 0.04",
            series=(
                SeriesDigest(
                    subject="payment",
                    metric="process_cpu_seconds_total",
                    unit="cores",
                    current=0.96,
                    baseline=0.04,
                    deviation=61.3,
                    onset=ONSET,
                    samples=20,
                    sparkline="▁▁▁▇█",
                ),
            ),
        ),
    ),
)
FINDING = Finding(
    service="payment",
    signal=Signal.CPU,
    shape=Shape.LEVEL_SHIFT,
    metric="process_cpu_seconds_total",
    onset=ONSET,
    magnitude=61.3,
    text="cpu of payment rose from 0.04 to 0.96 cores",
    evidence=("ev_cpu",),
)
DIAGNOSIS = Diagnosis(
    hypotheses=(
        Hypothesis(
            service="payment",
            kind=FaultKind.CPU_SATURATION,
            statement="payment burns CPU: 0.96 cores, usually 0.04",
            onset=ONSET,
            probability=0.91,
            evidence_for=("ev_cpu", "ev_logs"),
        ),
    ),
    ruled_out=(RuledOut(service="gateway", reason="suffers from payment", evidence=("ev_cpu",)),),
    confidence=0.91,
)


def test_the_page_of_an_incident(snapshot: SnapshotAssertion) -> None:
    assert brief(DIAGNOSIS, (FINDING,), EVIDENCE) == snapshot


def test_the_page_of_an_abstention(snapshot: SnapshotAssertion) -> None:
    nothing = Diagnosis(confidence=0.0, abstained="nothing left its baseline")
    assert brief(nothing, (), EVIDENCE[:2]) == snapshot


def test_what_a_cause_cites_comes_first_then_what_did_not_answer() -> None:
    assert [one.id for one in ranked(DIAGNOSIS, (FINDING,), EVIDENCE)] == ["ev_cpu", "ev_logs", "ev_gone", "ev_calm"]


def test_a_digest_in_lines_says_how_many_rows_are_not_shown() -> None:
    lines = told(EVIDENCE[2].digest)
    assert lines[0] == "41 lines of payment in the window"
    assert lines[-1] == "  (8 more rows)"


@given(limit=st.integers(60, 400))
def test_a_shorter_page_is_the_beginning_of_the_longer_one(limit: int) -> None:
    whole, short = brief(DIAGNOSIS, (FINDING,), EVIDENCE, 9000), brief(DIAGNOSIS, (FINDING,), EVIDENCE, limit)
    assert tokens(short) <= limit
    *kept, last = short.split("\n")
    if "left out" in last:
        assert whole.startswith("\n".join(kept))
    else:
        assert short == whole


@given(st.text(max_size=600))
def test_a_strangers_text_stays_on_its_line(text: str) -> None:
    lines = told(Digest(summary=text, facts=(Fact(subject="cart", name=text, value=text),)))
    assert len(lines) == 2
    assert all(character.isprintable() for line in lines for character in line)
