"""Citations that do not exist are dropped, numbers that the cited evidence does not show are marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grounding import MARK, bears_on, ground, split
from core.models import Digest, Evidence, EvidenceKind, Fact, SeriesDigest, Severity, TemplateDigest, Window

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
ONSET = NOON + timedelta(minutes=3, seconds=10)


def seen(identity: str, subject: str, digest: Digest, *, error: str = "") -> Evidence:
    return Evidence(
        id=identity,
        incident_id="inc_1",
        kind=EvidenceKind.METRIC,
        tool="metric_digest",
        source="test",
        query="{}",
        window=Window(start=NOON, end=NOON + timedelta(minutes=5)),
        subject=subject,
        digest=digest,
        error=error,
    )


CPU = seen(
    "ev_cpu",
    "payment",
    Digest(
        summary="cpu of payment: 0.96 cores, usually 0.04",
        series=(
            SeriesDigest(subject="payment", metric="cpu", current=0.96, baseline=0.04, deviation=61.34, onset=ONSET),
        ),
    ),
)
LOGS = seen(
    "ev_logs",
    "",
    Digest(
        summary="41 lines in the window",
        templates=(
            TemplateDigest(
                subject="payment",
                template="call took <n> ms",
                severity=Severity.WARNING,
                count=37,
                rate_before=0.01,
                rate_now=0.1234,
                example="call took 350 ms",
            ),
        ),
        facts=(Fact(subject="cart", name="memory", value="1.5 GiB of 2 GiB"),),
    ),
)
EVIDENCE = {one.id: one for one in (CPU, LOGS)}


@pytest.mark.parametrize(
    "text",
    [
        "CPU is at 96% [ev_cpu].",
        "CPU is at 0.96 cores since 12:03:10 [ev_cpu].",
        "CPU rose 24x at 12:03 [ev_cpu].",
        "z is 61.3 in the 300 s from 12:00 [ev_cpu].",
        "There are 37 of 41 lines at 0.12/s, up to 0.35 s [ev_logs].",
        "Memory is 1.5 GiB, that is 1536 MiB [ev_logs].",
        "37/41 lines, 350-350 ms, on 2026-03-03 [ev_logs].",
        "p95 of orders-2 over http2 in ev_cpu says nothing.",
    ],
)
def test_what_the_cited_evidence_shows_is_left_alone(text: str) -> None:
    grounded = ground(text, EVIDENCE)
    assert grounded.unproven == ()
    assert grounded.text == text
    assert not grounded.groundless


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("CPU is at 97.5% [ev_cpu].", "97.5%"),
        ("CPU is at 96% [ev_logs].", "96%"),
        ("It began at 12:04:10 [ev_cpu].", "12:04:10"),
        ("CPU rose 30x [ev_cpu].", "30x"),
        ("12,345 requests failed [ev_cpu].", "12,345"),
        ("CPU is at 96%.", "96%"),
        ("450/500 requests failed [ev_logs].", "450/500"),
        ("37/42 lines failed [ev_logs].", "37/42"),
        ("It took 350-500 ms [ev_logs].", "350-500 ms"),
    ],
)
def test_what_it_does_not_show_is_marked(text: str, number: str) -> None:
    grounded = ground(text, EVIDENCE)
    assert grounded.unproven == (number,)
    assert f"{number} {MARK}" in grounded.text


def test_citations_that_do_not_exist_are_dropped() -> None:
    grounded = ground("CPU is full [ev_cpu, ev_fake]. The disk is, too (ev_0ld).", EVIDENCE)
    assert grounded.text == "CPU is full [ev_cpu]. The disk is, too."
    assert (grounded.cites, grounded.dropped) == (("ev_cpu",), ("ev_fake", "ev_0ld"))
    assert [each.opinion for each in grounded.sentences] == [False, True]
    assert not grounded.groundless


def test_a_text_whose_citations_are_all_gone_is_groundless() -> None:
    assert ground("The disk is full [ev_fake].", EVIDENCE).groundless
    assert ground("", EVIDENCE, cites=("ev_fake",)).groundless
    assert ground("", EVIDENCE, cites=("ev_fake",)).dropped == ("ev_fake",)
    assert not ground("", EVIDENCE, cites=("ev_cpu",)).groundless


def test_what_the_whole_text_cites_backs_sentences_that_cite_nothing() -> None:
    assert ground(["CPU is at 96%"], EVIDENCE, cites=("ev_cpu",)).unproven == ()
    assert ground(["CPU is at 96% [ev_logs]"], EVIDENCE, cites=("ev_cpu",)).unproven == ("96%",)


def test_our_own_words_count_as_shown() -> None:
    assert ground("CPU is over 90% [ev_cpu].", EVIDENCE, also=["cpu 96% > 90%"]).unproven == ()


def test_evidence_bears_on_whom_it_is_about_and_on_whom_it_shows_rows_of() -> None:
    assert bears_on(CPU, "payment")
    assert bears_on(LOGS, "payment")
    assert bears_on(LOGS, "cart")
    assert not bears_on(CPU, "cart")
    assert not bears_on(LOGS, "")
    assert not bears_on(seen("ev_x", "payment", Digest(summary=""), error="gone"), "payment")


def test_sentences_end_at_a_full_stop_or_with_a_line() -> None:
    assert split("It is 1.5 s. Why?\nNobody knows") == ["It is 1.5 s.", "Why?", "Nobody knows"]


@given(st.text(), st.lists(st.sampled_from(["ev_cpu", "ev_logs", "ev_none"])))
def test_nothing_is_cited_that_does_not_exist(text: str, cites: list[str]) -> None:
    grounded = ground(text, EVIDENCE, cites=cites)
    assert set(grounded.cites) <= set(EVIDENCE)
    assert not set(grounded.dropped) & set(EVIDENCE)
    assert "ev_none" not in grounded.text
    assert grounded.groundless is (not grounded.cites)
