"""`POST /v1/traces` answers as OTLP's specification says, in the encoding of the request."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from app.operations.context import Context
from app.server.api import create_api
from app.server.otlp import otlp_routes
from clients.otlp import JSON, PROTOBUF
from core.models import Alert
from core.traces import Span
from graphs.investigation import Investigation

SPAN = {
    "traceId": "0bf7651916cd43dd8448eb211c80319d",
    "spanId": "00f067aa0ba902b7",
    "name": "POST /cart",
    "startTimeUnixNano": "1795213464951514167",
    "endTimeUnixNano": "1795213465851514167",
}


def body(*spans: object) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


@pytest.fixture
def kept() -> list[Span]:
    return []


@pytest.fixture
async def http(kept: list[Span]) -> AsyncIterator[httpx.AsyncClient]:
    api = FastAPI()
    api.include_router(otlp_routes(kept.extend, max_bytes=10_000))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://quell") as client:
        yield client


async def send(http: httpx.AsyncClient, content: bytes, content_type: str = JSON, encoding: str = "") -> httpx.Response:
    headers = {"Content-Type": content_type, **({"Content-Encoding": encoding} if encoding else {})}
    return await http.post("/v1/traces", content=content, headers=headers)


async def test_json_is_answered_in_json(http: httpx.AsyncClient, kept: list[Span]) -> None:
    for content_type in (JSON, "application/json; charset=utf-8"):
        answer = await send(http, body(SPAN), content_type)
        assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, JSON, {})
    packed = await send(http, gzip.compress(body(SPAN)), encoding="gzip")
    assert packed.status_code == 200
    assert [span.name for span in kept] == ["POST /cart"] * 3


async def test_protobuf_is_answered_in_protobuf(http: httpx.AsyncClient, kept: list[Span]) -> None:
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=b"\x01" * 16, span_id=b"\x01" * 8, name="kept")
    spans.add(name="without ids")
    answer = await send(http, message.SerializeToString(), PROTOBUF)
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (partial.rejected_spans, "id is missing" in partial.error_message) == (1, True)
    assert [span.name for span in kept] == ["kept"]
    empty = await send(http, b"", PROTOBUF)
    assert not ExportTraceServiceResponse.FromString(empty.content).HasField("partial_success")


async def test_a_part_that_is_rejected_is_told(http: httpx.AsyncClient, kept: list[Span]) -> None:
    answer = await send(http, body(SPAN, {"name": "without ids"}))
    assert answer.status_code == 200
    assert answer.json() == {"partialSuccess": {"rejectedSpans": "1", "errorMessage": "an id is missing or zero"}}
    assert len(kept) == 1


async def test_bad_data_is_400_with_a_status_message(http: httpx.AsyncClient, kept: list[Span]) -> None:
    answer = await send(http, b"{nope")
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert answer.json()["message"]
    binary = await send(http, b"\xff\xff", PROTOBUF)
    assert (binary.status_code, binary.headers["content-type"]) == (400, PROTOBUF)
    assert Status.FromString(binary.content).code == 3
    assert not kept


async def test_other_types_are_415(http: httpx.AsyncClient) -> None:
    for content_type, encoding in (("text/plain", ""), ("", ""), (JSON, "zstd")):
        answer = await send(http, b"{}", content_type, encoding)
        assert answer.status_code == 415
        assert answer.text.startswith("415 unsupported")
    assert (await http.get("/v1/traces")).status_code == 405


async def test_too_much_is_413(http: httpx.AsyncClient) -> None:
    for content, encoding in ((b" " * 20_000, ""), (gzip.compress(b" " * 20_000), "gzip")):
        answer = await send(http, content, encoding=encoding)
        assert (answer.status_code, answer.json()["code"]) == (413, 3)


async def test_the_api_takes_spans_from_who_has_the_token(context: Context, kept: list[Span]) -> None:
    async def investigate(_: tuple[Alert, ...]) -> Investigation:
        raise NotImplementedError

    without = create_api(context, token="t", investigate=investigate)
    api = create_api(context, token="t", investigate=investigate, keep_spans=kept.extend)
    for served, token, status in ((without, "t", 404), (api, "wrong", 401), (api, "t", 200)):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://quell") as client:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": JSON}
            assert (await client.post("/v1/traces", content=body(SPAN), headers=headers)).status_code == status
    assert len(kept) == 1
