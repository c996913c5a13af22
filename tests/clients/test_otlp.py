"""OTLP bodies: both encodings, packed or not, and what cannot be spans; and the buffer that keeps them."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clients.otlp import JSON, PROTOBUF, decode
from clients.spans import SpanBuffer, SpanSettings
from core.clock import ManualClock
from core.errors import InvalidInput, TooLarge
from core.models import Window
from core.traces import Span, SpanKind, TraceQuery

START = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
NANOSECONDS = int(START.timestamp()) * 1_000_000_000


def request(**changes: Any) -> ExportTraceServiceRequest:
    """One span of service cart."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "cart"
    given = {
        "trace_id": b"\x01" * 16,
        "span_id": b"\x02" * 8,
        "name": "GET /",
        "kind": 3,
        "start_time_unix_nano": NANOSECONDS,
        "end_time_unix_nano": NANOSECONDS + 250_000_000,
        **changes,
    }
    span = resource.scope_spans.add().spans.add(**given)
    span.attributes.add(key="server.port").value.int_value = 5432
    span.attributes.add(key="user.password").value.string_value = "secret"
    span.status.code = 2
    return message


def test_protobuf_and_gzip() -> None:
    body = request().SerializeToString()
    (span,) = decode(body, content_type=PROTOBUF).spans
    assert span == Span(
        trace_id="01" * 16,
        span_id="02" * 8,
        service="cart",
        name="GET /",
        kind=SpanKind.CLIENT,
        start=START,
        duration_seconds=0.25,
        error=True,
        attributes={"server.port": "5432"},
    )
    assert decode(gzip.compress(body), content_type=PROTOBUF, encoding="gzip").spans == (span,)
    assert decode(b"", content_type=PROTOBUF).spans == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trace_id": b""}, "id is missing"),
        ({"trace_id": b"\x00" * 16}, "id is missing"),
        ({"trace_id": b"\x01" * 15}, "trace_id"),
        ({"span_id": b"\x01" * 9}, "span_id"),
        ({"parent_span_id": b"\x01"}, "parent_id"),
        ({"end_time_unix_nano": 1}, "ends before"),
        ({"start_time_unix_nano": 2**64 - 1, "end_time_unix_nano": 2**64 - 1}, ""),
    ],
)
def test_a_span_that_breaks_the_model_is_rejected_alone(changes: dict[str, Any], reason: str) -> None:
    message = request(**changes)
    message.MergeFrom(request())
    decoded = decode(message.SerializeToString(), content_type=PROTOBUF)
    if not reason:
        assert len(decoded.spans) == 2, "far in the future, and still a time"
        return
    assert (len(decoded.spans), decoded.rejected) == (1, 1)
    assert reason in decoded.reason


def test_unpacked_bodies_are_bounded() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < 20_000
    for body, encoding in ((bomb, "gzip"), (b" " * 2000, "")):
        with pytest.raises(TooLarge, match="1000 bytes"):
            decode(body, content_type=JSON, encoding=encoding, max_bytes=1000)


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        (b"not gzip", JSON, "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-6], JSON, "gzip"),
        (b"\xff\xff", PROTOBUF, ""),
        (b"[]", JSON, ""),
        (b"[" * 100_000, JSON, ""),
        (b'{"resourceSpans": 7}', JSON, ""),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}', JSON, ""),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 7}]}]}]}', JSON, ""),
        (b'{"a":' * 500 + b"1" + b"}" * 500, JSON, ""),
    ],
)
def test_what_is_not_as_its_headers_say_is_refused(body: bytes, content_type: str, encoding: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        decode(body, content_type=content_type, encoding=encoding)
    assert raised.value.fix


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.text() | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["resourceSpans", "scopeSpans", "spans", "traceId", "kind", "status"]), inner
                )
            ),
            max_leaves=20,
        ),
    )
)
def test_no_body_does_more_harm_than_being_refused(body: Any) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    for content_type in (JSON, PROTOBUF):
        try:
            decode(raw, content_type=content_type)
        except InvalidInput:
            continue


def span(number: int, *, at: float = 0.0, service: str = "cart") -> Span:
    return Span(
        trace_id=f"{number + 1:032x}",
        span_id=f"{number + 1:016x}",
        service=service,
        start=START + timedelta(seconds=at),
        duration_seconds=0.1,
    )


async def ids(buffer: SpanBuffer, service: str = "cart") -> list[int]:
    window = Window(start=START - timedelta(days=1), end=START + timedelta(days=1))
    return [
        int(each.span_id, 16) - 1 for each in (await buffer.query(TraceQuery(service=service, window=window))).spans
    ]


async def test_the_buffer_is_bounded_in_number_and_time() -> None:
    clock = ManualClock(START)
    buffer = SpanBuffer(SpanSettings(max_spans=3, retention_seconds=60), clock)
    buffer.add(span(number, at=number / 10) for number in range(5))
    buffer.add([span(4, at=0.4)])
    assert await ids(buffer) == [2, 3, 4]
    assert (buffer.stats.spans, buffer.stats.evicted) == (3, 2)
    clock.advance(120)
    buffer.add([span(6, at=100, service="orders"), span(7, at=-1000)])
    assert await ids(buffer) == []
    assert await ids(buffer, "orders") == [6]
    assert (buffer.services, buffer.stats.stale) == (("orders",), 1)


async def test_the_buffer_tells_of_clocks_that_are_off() -> None:
    buffer = SpanBuffer(SpanSettings(), ManualClock(START))
    assert not (await buffer.status()).configured
    buffer.add([span(1, at=3600)])
    status = await buffer.status()
    assert "1 came from the future" in status.detail
    assert "NTP" in status.fix
