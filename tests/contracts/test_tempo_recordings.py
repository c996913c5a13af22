"""Tempo's client reads what a real Tempo answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from clients.otlp import JSON, decode
from clients.tempo import Tempo, TempoSettings
from core.clock import ManualClock
from core.errors import InvalidInput, SourceRejected
from core.models import Window
from core.traces import SpanKind, TraceQuery
from tests.fakes.recordings import Player, recording, reply_of
from tests.fakes.wire import Asked, Reply, wire

TRACE = "0bf7651916cd43dd8448eb211c80319d"
UNKNOWN = "00000000000000000000000000000abc"
WINDOW = Window(start=datetime.fromtimestamp(1795213404, UTC), end=datetime.fromtimestamp(1795213583, UTC))


def client(url: str) -> Tempo:
    return Tempo(TempoSettings(url=url, max_traces=5), ManualClock(datetime(2026, 11, 20, 22, 25, 15, tzinfo=UTC)))


@pytest.fixture
async def tempo() -> AsyncIterator[Tempo]:
    async with wire(Player("tempo")) as server:
        yield client(server.url)


async def test_a_search_gives_whole_trace_ids(tempo: Tempo) -> None:
    first, second = await tempo.search(TraceQuery(service="payments", window=WINDOW))
    assert first.trace_id == TRACE, "the leading zero is back"
    assert (first.root_service, first.root_name, len(second.trace_id)) == ("checkout", "POST /cart", 32)


async def test_the_services_that_sent_spans_are_named(tempo: Tempo) -> None:
    assert await tempo.service_names(WINDOW) == ("checkout", "payments")
    async with wire(lambda _: Reply(b'{"tagValues": [7]}')) as server:
        with pytest.raises(SourceRejected, match="Tempo"):
            await client(server.url).service_names(WINDOW)


async def test_a_trace_by_either_api_is_what_was_sent(tempo: Tempo) -> None:
    sent = decode(
        json.dumps(json.loads(recording("tempo", "otlp_http_json_200")["request"]["body"])).encode(), content_type=JSON
    ).spans
    assert await tempo.trace(TRACE) == sent
    root, called = sent
    assert (root.service, root.kind, root.error, root.duration_seconds) == ("checkout", SpanKind.SERVER, True, 0.9)
    assert (called.parent_id, called.message) == (root.span_id, "timeout acquiring connection")
    assert called.attributes == {"db.system": "postgresql"}

    def only_v1(asked: Asked) -> Reply:
        if asked.path.startswith("/api/v2/"):
            return reply_of(recording("tempo", "not_found"))
        return reply_of(recording("tempo", "trace_by_id"))

    async with wire(only_v1) as server:
        assert await client(server.url).trace(TRACE) == sent


async def test_an_unknown_trace_has_no_spans_on_either_api(tempo: Tempo) -> None:
    assert await tempo.trace(UNKNOWN) == ()
    async with wire(lambda _: reply_of(recording("tempo", "trace_not_found"))) as server:
        assert await client(server.url).trace(UNKNOWN) == ()
    for bad in ("zzzz", "../../status", "a" * 33):
        with pytest.raises(SourceRejected, match="no trace id"):
            await tempo.trace(bad)


async def test_refusals_are_told_in_its_words() -> None:
    for name, words in (("search_bad_traceql", "invalid TraceQL query"), ("search_range_too_long", "exceeds 168h")):
        reply = reply_of(recording("tempo", name))
        async with wire(lambda _, reply=reply: reply) as server:
            with pytest.raises(SourceRejected, match=words):
                await client(server.url).query(TraceQuery(service="a", window=WINDOW))


async def test_status_tells_the_version(tempo: Tempo) -> None:
    status = await tempo.status()
    assert (status.reachable, status.version, status.detail) == (True, "3.0.3", "")


def test_what_a_real_receiver_refuses_is_refused() -> None:
    for server, name in (("tempo", "otlp_http_bad_json"), ("otel", "otlp_bad_json")):
        with pytest.raises(InvalidInput):
            decode(recording(server, name)["request"]["body"].encode(), content_type=JSON)
    assert decode(recording("otel", "otlp_empty")["request"]["body"].encode(), content_type=JSON).spans == ()
    (span,) = decode(recording("otel", "otlp_traces_backend_down")["request"]["body"].encode(), content_type=JSON).spans
    assert (span.service, span.duration_seconds) == ("unknown_service", 1e-9)
