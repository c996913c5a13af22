"""Spans as evidence: what a service answered and whom it called, bounded whatever a sender writes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core.errors import SourceUnavailable
from core.models import Evidence, EvidenceKind, Identity, Window
from core.traces import Span, SpanKind, SpanPage, TraceQuery
from tests.tools import world
from tests.tools.world import NOON, Logs, Metrics, Traces
from tools.inventory import Inventory
from tools.once import AskedOnce
from tools.queries.trace_digest import MAX_CALLEES, MAX_SPANS
from tools.runner import gather, run_query
from tools.sources import Sources

SLOW_SINCE = NOON - timedelta(seconds=60)
SECRET = "xoxb-123456789012-abcdefghijkl"


def shop(*, callee: str = "payment") -> list[Span]:
    """Orders calls payment every other second; for the last minute payment takes ten times as long and half fails."""
    spans: list[Span] = []
    for number in range(180):
        start = NOON - timedelta(seconds=359 - 2 * number)
        late = start >= SLOW_SINCE
        work = 0.2 if late else 0.02
        spans += world.called(
            "orders", callee, number, start, wait=work + 0.005, work=work, error=late and number % 2 == 0
        )
    return spans


async def digest_of(spans: list[Span], service: str, inventory: Inventory = world.SHOP) -> Evidence:
    sources = Sources(Metrics(), Logs(), (), Traces(spans))
    evidence, _ = await run_query("trace_digest", {"service": service}, world.context(sources, inventory=inventory))
    return evidence


def rows(evidence: Evidence) -> dict[str, str]:
    return {fact.name: fact.value for fact in evidence.digest.facts}


async def test_operations_and_calls_are_told_against_their_usual_values() -> None:
    evidence = await digest_of(shop(), "orders")
    assert evidence.kind is EvidenceKind.TRACE
    assert evidence.source == "memory"
    assert rows(evidence) == {
        "operation POST /buy": "0.5/s, 50.0% errors, p95 0.215 s, self 0.01 s; "
        "usually 0.5/s, 0.0% errors, p95 0.035 s, self 0.01 s",
        "calls payment": "0.5/s, 50.0% errors, p95 0.205 s, gap 0.005 s; "
        "usually 0.5/s, 0.0% errors, p95 0.025 s, gap 0.005 s",
    }


async def test_a_service_that_calls_nobody_has_no_self_time() -> None:
    (value,) = rows(await digest_of(shop(), "payment")).values()
    assert value == "0.5/s, 50.0% errors, p95 0.2 s; usually 0.5/s, 0.0% errors, p95 0.02 s"


async def test_services_are_asked_for_by_what_they_call_themselves_and_told_by_their_names() -> None:
    payment = world.service("payment", identity=Identity(otel_service_name="PaymentSvc"))
    inventory = Inventory([world.service("orders"), payment])
    told = rows(await digest_of(shop(callee="PaymentSvc"), "orders", inventory))
    assert "gap 0.005 s" in told["calls payment"], "found by the peer that the spans name"
    assert set(rows(await digest_of(shop(callee="PaymentSvc"), "payment", inventory))) == {"operation POST /charges"}


async def test_an_uninstrumented_callee_is_told_without_a_gap() -> None:
    spans = [span for span in shop(callee="ledger.example") if span.service == "orders"]
    told = rows(await digest_of(spans, "orders"))
    assert told["calls ledger.example"].startswith("0.5/s, 50.0% errors, p95 0.205 s; usually")


async def test_a_rate_stands_for_the_time_that_was_read() -> None:
    spans = [world.span("payment", n, NOON - timedelta(seconds=50 - n / 100), 0.1) for n in range(5000)]
    evidence = await digest_of(spans, "payment")
    assert rows(evidence)["operation GET /"].startswith("100/s")
    assert f"{5000 - MAX_SPANS} older spans were not read" in evidence.digest.summary


async def test_a_hostile_sender_fills_no_page_and_hides_no_call() -> None:
    wild = [
        world.span(
            "orders",
            10_000 + number,
            NOON - timedelta(seconds=30),
            1e9,
            name=f"\x1b[2J{number}" + "x" * 900,
            parent_id=f"{10_001 + number:016x}",
            attributes={"server.address": "a" * 900},
            kind=SpanKind.SERVER if number % 2 else SpanKind.CLIENT,
        )
        for number in range(600)
    ]
    evidence = await digest_of(sorted(shop() + wild, key=lambda span: span.start), "orders")
    assert evidence.digest.tokens <= world.ANALYSIS.max_digest_tokens
    assert evidence.digest.omitted > 0
    assert "calls payment" in rows(evidence)
    assert "\x1b" not in "".join(rows(evidence))
    assert all(len(name) < 100 for name in rows(evidence))


async def test_the_spans_of_many_callees_are_not_all_read() -> None:
    callees = [f"c{number:02}" for number in range(12)]
    inventory = Inventory([world.service("hub", *callees), *(world.service(name) for name in callees)])
    traces = Traces()
    asked = world.context(Sources(Metrics(), Logs(), (), traces), inventory=inventory)
    evidence, _ = await run_query("trace_digest", {"service": "hub"}, asked)
    assert len(traces.queries) == 2 * (1 + MAX_CALLEES)
    assert "4 callees were not asked" in evidence.digest.summary


async def test_secrets_in_spans_end_at_the_recorder() -> None:
    spoken = {"name": f"GET /?token={SECRET}", "message": SECRET, "attributes": {"http.route": SECRET}}
    sources = Sources(Metrics(), Logs(), (), Traces([world.span("payment", 1, SLOW_SINCE, 0.1, **spoken)]))
    evidence, calls = await run_query("trace_digest", {"service": "payment"}, world.context(sources))
    assert SECRET not in evidence.model_dump_json()
    assert calls
    assert all(SECRET.encode() not in call.payload for call in calls)


async def test_one_look_asks_for_the_spans_of_a_service_once() -> None:
    traces = Traces(shop())
    live = world.context(Sources(Metrics(), Logs(), (), traces))
    looked = await gather(live, world.SHOP.neighbourhood("gateway"))
    assert len(traces.queries) == len({query.key for query in traces.queries}) == 3 * 2
    recorded = {evidence.subject: len(calls) for evidence, calls in looked if evidence.tool == "trace_digest"}
    assert recorded == {"gateway": 4, "orders": 4, "payment": 2}, "each digest has all that it rests on"


async def test_equal_questions_share_one_answer_and_one_failure() -> None:
    query = TraceQuery(service="payment", window=Window(start=SLOW_SINCE, end=NOON))
    entered, release = asyncio.Event(), asyncio.Event()

    class Slow(Traces):
        async def query(self, query: TraceQuery) -> SpanPage:
            self.queries.append(query)
            entered.set()
            await release.wait()
            raise SourceUnavailable("gone")

    slow = Slow()
    once = AskedOnce(slow)
    given_up = asyncio.create_task(once.query(query))
    await entered.wait()
    both = asyncio.gather(once.query(query), once.query(query), return_exceptions=True)
    given_up.cancel()
    release.set()
    assert [type(answer) for answer in await both] == [SourceUnavailable] * 2
    assert len(slow.queries) == 2, "who asked first gave up, the next asked again, and the last was told"
    with pytest.raises(asyncio.CancelledError):
        await given_up
