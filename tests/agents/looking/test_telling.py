"""Evidence as a model reads it: whatever it holds, it stays within its bound, its fence and its policy."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.looking.telling import brief, told
from agents.redaction import Redactor
from core.models import (
    Digest,
    Evidence,
    EvidenceKind,
    Fact,
    LogChange,
    SeriesDigest,
    Severity,
    TemplateDigest,
    Window,
)
from core.tokens import tokens
from tests.tools.world import NOON


def evidence(digest: Digest, error: str = "") -> Evidence:
    return Evidence(
        id="ev_0123456789ab",
        incident_id="inc_1",
        kind=EvidenceKind.LOG,
        tool="log_digest",
        source="test",
        query='{"service":"orders"}',
        window=Window(start=NOON - timedelta(minutes=5), end=NOON),
        subject="orders",
        digest=digest,
        error=error,
    )


def nobody(service: str) -> None:
    return None


def test_series_templates_and_facts_are_told_in_a_line_each() -> None:
    series = SeriesDigest(
        subject="orders", metric="up", unit="ratio", current=0, baseline=1, deviation=-10, onset=NOON, sparkline="█▁"
    )
    template = TemplateDigest(
        subject="orders",
        template="lost <*>",
        severity=Severity.CRITICAL,
        change=LogChange.NEW,
        count=7,
        rate_now=0.5,
        example="lost 4",
    )
    fact = Fact(subject="orders", name="state", value="exited", at=NOON)
    text = told(
        evidence(Digest(summary="bad", series=(series,), templates=(template,), facts=(fact,))),
        Redactor(),
        nobody,
        500,
    )
    assert text.split("\n") == [
        "<<<data tool ev_0123456789ab>>>",
        '| log_digest {"service":"orders"}: bad',
        "| orders up: 0 ratio, usually 1, z -10 since 12:00:00 █▁",
        "| critical new 7 lines (0/s before, 0.5/s now) lost <*>; such as: lost 4",
        "| orders state: exited at 12:00:00",
        "<<<end data>>>",
    ]


def test_rows_of_services_whose_data_stays_are_left_out_and_counted() -> None:
    facts = tuple(Fact(subject=name, name="calls", value="x") for name in ("orders", "vault", "vault"))
    policy = {"vault": "stays"}
    text = told(evidence(Digest(summary="3 services", facts=facts)), Redactor(), policy.get, 500)
    assert "vault" not in text
    assert "orders calls" in text
    assert "(2 rows are about services whose data may not be shown)" in text


def test_what_did_not_fit_the_digest_is_said() -> None:
    text = told(evidence(Digest(summary="much", omitted=12)), Redactor(), nobody, 500)
    assert "(12 rows did not fit the digest)" in text


@settings(max_examples=50)
@given(st.lists(st.text(max_size=400), max_size=30), st.text(max_size=300), st.integers(min_value=100, max_value=800))
def test_no_text_leaves_its_fence_or_its_bound(values: list[str], error: str, limit: int) -> None:
    facts = tuple(Fact(subject="orders", name="state", value=value) for value in values)
    one = evidence(Digest(summary="said", facts=facts), error)
    lines = told(one, Redactor(), nobody, limit).split("\n")
    assert lines[0].startswith("<<<data tool ev_0123456789ab")
    assert lines[-1] == "<<<end data>>>"
    assert all(line.startswith("|") for line in lines[1:-1])
    assert sum("<<<" in line for line in lines) == 2
    assert "\n" not in brief(one, Redactor())
    assert tokens(brief(one, Redactor())) < 1_000


def test_a_secret_is_hidden_before_a_row_is_cut() -> None:
    token = "ghp_" + "a1B2" * 9
    fact = Fact(subject="orders", name="state", value="x" * 280 + f" token={token}")
    one = evidence(Digest(summary=token, facts=(fact,)))
    assert token[:12] not in told(one, Redactor(), nobody, 500)
    assert token not in brief(one, Redactor())
