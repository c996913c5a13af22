"""OTLP's trace bodies as core spans: protobuf and JSON, gzip or not, within bounds.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-request. The JSON form differs from protobuf's own: ids are
hexadecimal and enumerations numbers (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]  # ships without types
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships without types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2
from pydantic import ValidationError

from core.errors import InvalidInput, TooLarge
from core.traces import KEPT_ATTRIBUTES, Span, SpanKind

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
MAX_SPANS_BYTES = 16 * 1024 * 1024
UNKNOWN_SERVICE = "unknown_service"
"""What the semantic conventions call a service without a name."""

_MAX_TEXT_CHARACTERS = 1024
_ID_FIELDS = frozenset({"traceId", "spanId", "parentSpanId"})
_KINDS = (
    SpanKind.UNSPECIFIED,
    SpanKind.INTERNAL,
    SpanKind.SERVER,
    SpanKind.CLIENT,
    SpanKind.PRODUCER,
    SpanKind.CONSUMER,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a body held.

    Attributes:
        rejected: spans that cannot be used.
        reason: why, of the first of them.
    """

    spans: tuple[Span, ...]
    rejected: int = 0
    reason: str = ""


def decode(body: bytes, *, content_type: str, encoding: str = "", max_bytes: int = MAX_SPANS_BYTES) -> Decoded:
    """Read the body of ``POST /v1/traces``.

    Args:
        content_type: `PROTOBUF` or `JSON`.
        encoding: of the content: gzip, identity or empty.
        max_bytes: of the unpacked body.

    Raises:
        TooLarge: the unpacked body is larger.
        InvalidInput: it is not what its headers say.
    """
    plain = _unzip(body, max_bytes) if encoding == "gzip" else body
    if len(plain) > max_bytes:
        raise _too_large(max_bytes)
    if content_type == PROTOBUF:
        try:
            request = ExportTraceServiceRequest.FromString(plain)
        except DecodeError as error:
            raise _bad(f"no protobuf of an ExportTraceServiceRequest: {error}") from error
        return spans_of(request.resource_spans)
    return spans_of(_from_json(plain).resource_spans)


def from_tempo(document: Any) -> Decoded:
    """Spans of a trace as Tempo writes it: protobuf's JSON, ids in base64, the first level called `batches` on v1.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(document, dict):
        raise _bad("no object")
    given = {"resourceSpans": document.get("resourceSpans") or document.get("batches") or []}
    return spans_of(_parsed(given, trace_pb2.TracesData()).resource_spans)


def spans_of(resources: Iterable[trace_pb2.ResourceSpans]) -> Decoded:
    """Core spans of protobuf ones; those that break the data model are counted as rejected."""
    spans: list[Span] = []
    rejected, reason = 0, ""
    for service, span in _walk(resources):
        try:
            spans.append(_span(service, span))
        except (ValidationError, OverflowError, ValueError) as error:
            rejected += 1
            reason = reason or _why(error)
    return Decoded(tuple(spans), rejected, reason)


def _walk(resources: Iterable[trace_pb2.ResourceSpans]) -> Iterator[tuple[str, trace_pb2.Span]]:
    for resource in resources:
        names = {each.key: _text(each) for each in resource.resource.attributes if each.key == "service.name"}
        service = names.get("service.name") or UNKNOWN_SERVICE
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield service, span


def _span(service: str, span: trace_pb2.Span) -> Span:
    if not any(span.trace_id) or not any(span.span_id):
        raise ValueError("an id is missing or zero")
    duration = span.end_time_unix_nano - span.start_time_unix_nano
    if duration < 0:
        raise ValueError("it ends before it starts")
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        service=service,
        name=span.name[:_MAX_TEXT_CHARACTERS],
        kind=_KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else SpanKind.UNSPECIFIED,
        start=_EPOCH + timedelta(microseconds=span.start_time_unix_nano // 1000),
        duration_seconds=duration / 1e9,
        error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        message=span.status.message[:_MAX_TEXT_CHARACTERS],
        attributes={each.key: _text(each) for each in span.attributes if each.key in KEPT_ATTRIBUTES},
    )


def _text(attribute: KeyValue) -> str:
    value = attribute.value
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value[:_MAX_TEXT_CHARACTERS]
    return str(getattr(value, kind)) if kind in ("int_value", "bool_value", "double_value") else ""


def _from_json(body: bytes) -> ExportTraceServiceRequest:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad(f"no JSON: {error}") from error
    if not isinstance(document, dict):
        raise _bad("no JSON object")
    parsed: ExportTraceServiceRequest = _parsed(_with_base64_ids(document, 0), ExportTraceServiceRequest())
    return parsed


def _parsed(document: Any, message: Any) -> Any:
    try:
        return json_format.ParseDict(document, message, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _bad(f"no trace: {error}"[:300]) from error


def _with_base64_ids(value: Any, depth: int) -> Any:
    """protobuf's own JSON has bytes in base64, OTLP's in hexadecimal."""
    if depth > 64:
        raise _bad("nested too deeply")
    if isinstance(value, list):
        return [_with_base64_ids(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _base64(name, each) if name in _ID_FIELDS else _with_base64_ids(each, depth + 1)
        for name, each in value.items()
    }


def _base64(name: str, value: Any) -> str:
    try:
        return b64encode(bytes.fromhex(value)).decode()
    except (ValueError, TypeError) as error:
        raise _bad(f"{name} is not hexadecimal") from error


def _unzip(body: bytes, max_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise _bad(f"no gzip: {error}") from error
    if len(plain) > max_bytes:
        raise _too_large(max_bytes)
    if not unpacker.eof:
        raise _bad("the gzip data is cut off")
    return plain


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)


def _bad(what: str) -> InvalidInput:
    return InvalidInput(what, path="body", fix="send OTLP/HTTP as its specification says")


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"larger than {max_bytes} bytes when unpacked", path="body", fix="send smaller batches")
