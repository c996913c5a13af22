"""Where spans come in: OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp).

Answers are in the encoding of the request: an ExportTraceServiceResponse for 200, a google.rpc.Status for a failure.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # ships without types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from app.server.errors import RESPONSES
from clients.otlp import JSON, PROTOBUF, Decoded, decode
from core.errors import InvalidInput, TooLarge
from core.traces import Span

log = structlog.get_logger(__name__)

INVALID_ARGUMENT = 3
"""google.rpc.Code (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto)."""

_ENCODINGS = frozenset({"", "identity", "gzip"})
_EXPORT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"type": "object"}, "example": {"resourceSpans": []}},
            PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    "responses": {
        "200": {"description": "Kept, but for what `partialSuccess` tells", "content": {JSON: {}, PROTOBUF: {}}},
        "400": {"description": "Not what its headers say", "content": {JSON: {}, PROTOBUF: {}}},
        "413": {"description": "The body is too large", "content": {JSON: {}, PROTOBUF: {}}},
        "415": {"description": "Neither protobuf nor JSON, or packed in an unknown way", "content": {"text/plain": {}}},
    },
}


def otlp_routes(keep: Callable[[Sequence[Span]], None], *, max_bytes: int) -> APIRouter:
    """The receiver of traces.

    Args:
        keep: takes what came in.
        max_bytes: of a body when it is unpacked.
    """
    router = APIRouter(tags=["traces"], responses={401: RESPONSES[401]})

    @router.post("/v1/traces", operation_id="receive_traces", openapi_extra=_EXPORT, response_class=Response)
    async def export(request: Request) -> Response:
        """Take spans as OTLP exporters send them."""
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = request.headers.get("content-encoding", "").strip().lower()
        if content_type not in (JSON, PROTOBUF):
            return _unsupported(f"unsupported media type, supported: [{JSON}, {PROTOBUF}]")
        if encoding not in _ENCODINGS:
            return _unsupported("unsupported content encoding, supported: [gzip]")
        body = await request.body()
        try:
            decoded = await asyncio.to_thread(
                decode, body, content_type=content_type, encoding=encoding, max_bytes=max_bytes
            )
        except InvalidInput as error:
            log.info("spans_refused", error=error.message)
            return _refused(413 if isinstance(error, TooLarge) else 400, error.message, content_type)
        keep(decoded.spans)
        if decoded.rejected:
            log.info("spans_rejected", spans=decoded.rejected, reason=decoded.reason)
        return _taken(decoded, content_type)

    return router


def _taken(decoded: Decoded, content_type: str) -> Response:
    """`partial_success` stays unset when everything was kept, as the specification demands."""
    if content_type == JSON:
        partial = {"rejectedSpans": str(decoded.rejected), "errorMessage": decoded.reason}
        return _json(200, {"partialSuccess": partial} if decoded.rejected else {})
    answer = ExportTraceServiceResponse()
    if decoded.rejected:
        answer.partial_success.rejected_spans = decoded.rejected
        answer.partial_success.error_message = decoded.reason
    return Response(answer.SerializeToString(), 200, media_type=PROTOBUF)


def _refused(status: int, message: str, content_type: str) -> Response:
    if content_type == JSON:
        return _json(status, {"code": INVALID_ARGUMENT, "message": message})
    body = Status(code=INVALID_ARGUMENT, message=message).SerializeToString()
    return Response(body, status, media_type=PROTOBUF)


def _unsupported(message: str) -> Response:
    return Response(f"415 {message}", 415, media_type="text/plain")


def _json(status: int, document: Any) -> Response:
    return Response(json.dumps(document), status, media_type=JSON)
