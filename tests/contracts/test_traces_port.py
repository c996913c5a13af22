"""What every `TraceSource` must do. A new implementation joins by one entry in `IMPLEMENTATIONS`.

An implementation is a context manager that is given spans and yields the source that holds them.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clients.otlp import JSON, decode
from clients.recorded import RecordedTraces, encode_error, encode_spans
from clients.spans import SpanBuffer, SpanSettings
from clients.tempo import Tempo, TempoSettings
from core.clock import ManualClock, SystemClock
from core.errors import SourceError
from core.models import Window
from core.ports import SourceStatus, TraceSource
from core.traces import Span, SpanKind, SpanPage, TraceQuery
from tests.fakes.wire import Asked, Reply, wire

START = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
KINDS = {SpanKind.SERVER: "SERVER", SpanKind.CLIENT: "CLIENT"}


def trace(number: int) -> tuple[Span, Span, Span]:
    """One request: cart is called, calls orders, and orders answers; each third one fails in orders."""
    start = START + timedelta(seconds=number)
    trace_id, failed = f"{number + 1:032x}", number % 3 == 0
    ids = [f"{number + 1:08x}{part:08x}" for part in (1, 2, 3)]
    names = ("cart", "cart", "orders")
    kinds = (SpanKind.SERVER, SpanKind.CLIENT, SpanKind.SERVER)
    first, second, third = (
        Span(
            trace_id=trace_id,
            span_id=ids[part],
            parent_id=ids[part - 1] if part else "",
            service=names[part],
            name="GET /orders",
            kind=kinds[part],
            start=start + timedelta(milliseconds=part),
            duration_seconds=0.25 - part / 100,
            error=failed,
            message="no stock" if failed else "",
            attributes={"server.address": "orders", "http.response.status_code": "503"} if part == 1 else {},
        )
        for part in range(3)
    )
    return first, second, third


SPANS = tuple(span for number in range(20) for span in trace(number))


def written(spans: Sequence[Span], *, hexadecimal: bool) -> list[dict[str, Any]]:
    """Spans as OTLP's JSON, or as protobuf's own."""

    def identity(value: str) -> str:
        return value if hexadecimal else base64.b64encode(bytes.fromhex(value)).decode()

    def one(span: Span) -> dict[str, Any]:
        start = round(span.start.timestamp() * 1e6) * 1000
        kind = list(SpanKind).index(span.kind) if hexadecimal else f"SPAN_KIND_{KINDS[span.kind]}"
        return {
            "traceId": identity(span.trace_id),
            "spanId": identity(span.span_id),
            **({"parentSpanId": identity(span.parent_id)} if span.parent_id else {}),
            "name": span.name,
            "kind": kind,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + round(span.duration_seconds * 1e9)),
            "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in span.attributes.items()],
            "status": {"code": 2 if hexadecimal else "STATUS_CODE_ERROR", "message": span.message}
            if span.error
            else {},
        }

    return [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": span.service}}]},
            "scopeSpans": [{"spans": [one(span)]}],
        }
        for span in spans
    ]


@contextlib.asynccontextmanager
async def receiver(spans: Sequence[Span]) -> AsyncIterator[TraceSource]:
    """The buffer behind the OTLP receiver."""
    buffer = SpanBuffer(SpanSettings(), ManualClock(START + timedelta(minutes=1)))
    body = json.dumps({"resourceSpans": written(spans, hexadecimal=True)}).encode()
    decoded = decode(body, content_type=JSON)
    assert decoded.rejected == 0
    buffer.add(decoded.spans)
    yield buffer


@contextlib.asynccontextmanager
async def tempo(spans: Sequence[Span]) -> AsyncIterator[TraceSource]:
    """Tempo's client and a server that answers as recordings of a real one do, leading zeros included."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/status/buildinfo":
            return Reply(b'{"version":"3.0.3"}')
        if asked.path == "/api/search":
            service = asked.one("q").removeprefix('{resource.service.name="').removesuffix('"}')
            start, end = (float(asked.one(name)) for name in ("start", "end"))
            found = {s.trace_id: s for s in spans if s.service == service and start <= s.start.timestamp() < end}
            return Reply(json.dumps({"traces": [{"traceID": each.lstrip("0")} for each in found]}).encode())
        wanted = asked.path.rpartition("/")[2]
        chosen = written([span for span in spans if span.trace_id == wanted], hexadecimal=False)
        return Reply(json.dumps({"trace": {"resourceSpans": chosen} if chosen else {}}).encode())

    async with wire(answer) as server:
        yield Tempo(TempoSettings(url=server.url), SystemClock())


class PlayedTraces:
    """Whatever the live source answers, an error too, comes from its recording."""

    def __init__(self, live: TraceSource) -> None:
        self._live = live
        self._kept: dict[tuple[str, str], bytes] = {}
        self._recorded = RecordedTraces(self._look_up)
        self.name = self._recorded.name

    async def _look_up(self, port: str, key: str) -> bytes | None:
        return self._kept.get((port, key))

    async def query(self, query: TraceQuery) -> SpanPage:
        try:
            payload = encode_spans(await self._live.query(query))
        except SourceError as error:
            payload = encode_error(error)
        self._kept["traces", query.key] = payload
        return await self._recorded.query(query)

    async def status(self) -> SourceStatus:
        return await self._recorded.status()


@contextlib.asynccontextmanager
async def recording(spans: Sequence[Span]) -> AsyncIterator[TraceSource]:
    """A recording of the receiver."""
    async with receiver(spans) as live:
        yield PlayedTraces(live)


Implementation = Callable[[Sequence[Span]], AbstractAsyncContextManager[TraceSource]]
IMPLEMENTATIONS: dict[str, Implementation] = {"receiver": receiver, "tempo": tempo, "recording": recording}


@pytest.fixture(params=IMPLEMENTATIONS)
async def source(request: pytest.FixtureRequest) -> AsyncIterator[TraceSource]:
    """Each implementation with `SPANS`."""
    async with IMPLEMENTATIONS[request.param](SPANS) as made:
        yield made


async def ask(source: TraceSource, service: str, first: float, last: float, limit: int = 1000) -> SpanPage:
    window = Window(start=START + timedelta(seconds=first), end=START + timedelta(seconds=last))
    return await source.query(TraceQuery(service=service, window=window, limit=limit))


async def test_spans_of_the_service_that_began_in_the_half_open_window_oldest_first(source: TraceSource) -> None:
    page = await ask(source, "cart", 5, 8)
    assert list(page.spans) == [span for span in SPANS[15:24] if span.service == "cart"]
    assert page.dropped == 0
    assert len((await ask(source, "cart", 5.001, 6)).spans) == 1


async def test_who_was_called_and_what_failed_is_told(source: TraceSource) -> None:
    server, call = (await ask(source, "cart", 3, 4)).spans
    assert (server.kind, call.kind, call.parent_id) == (SpanKind.SERVER, SpanKind.CLIENT, server.span_id)
    assert (server.peer, call.peer) == ("", "orders")
    assert (call.error, call.message, call.attributes["http.response.status_code"]) == (True, "no stock", "503")
    assert call.duration_seconds == pytest.approx(0.24)


async def test_beyond_the_limit_the_newest_are_given(source: TraceSource) -> None:
    page = await ask(source, "orders", 0, 20, limit=3)
    assert list(page.spans) == [span for span in SPANS if span.service == "orders"][-3:]
    assert page.dropped == 17


async def test_a_stranger_or_a_quiet_window_has_no_spans(source: TraceSource) -> None:
    assert await ask(source, "stranger", 0, 20) == SpanPage(spans=())
    assert await ask(source, "cart", 1000, 2000) == SpanPage(spans=())
    assert await ask(source, 'cart"} || {', 0, 20) == SpanPage(spans=())


async def test_status_names_the_source(source: TraceSource) -> None:
    status = await source.status()
    assert (status.name, status.configured, status.reachable) == (source.name, True, True)
