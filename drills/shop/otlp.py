"""Sends a service's spans by OTLP/HTTP, in batches from a thread of its own.

A receiver that is slow or gone costs the service nothing: the queue is bounded, what does not fit or cannot be sent is
dropped. The SDK's own complaints about that stay out of the service's log, which tells of the shop only.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from drills.shop.tracing import FinishedSpan, Side

EXPORT_SECONDS = 1.0
"""One batch may take this long, second try included."""

DELAY_SECONDS = 1.0
MAX_QUEUED_SPANS = 2048
MAX_BATCH_SPANS = 512

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = {Side.SERVER: SpanKind.SERVER, Side.CLIENT: SpanKind.CLIENT}
_FAILED = Status(StatusCode.ERROR)
_UNSET = Status(StatusCode.UNSET)


class SpanSender:
    """Takes ended spans, as `drills.shop.tracing.Tracer.keep`.

    Args:
        service: the resource attribute ``service.name``.
        endpoint: base URL of the receiver, as in OTEL_EXPORTER_OTLP_ENDPOINT.
        token: sent as bearer token; empty: none.
    """

    def __init__(self, service: str, endpoint: str, token: str = "") -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        session = requests.Session()
        session.trust_env = False
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=EXPORT_SECONDS,
            session=session,
        )
        self._processor = BatchSpanProcessor(
            exporter,
            max_queue_size=MAX_QUEUED_SPANS,
            schedule_delay_millis=DELAY_SECONDS * 1000,
            max_export_batch_size=MAX_BATCH_SPANS,
        )
        self._resource = Resource({SERVICE_NAME: service})

    def __call__(self, span: FinishedSpan) -> None:
        """Queue a span."""
        context, outcome = span.context, span.outcome
        start = (span.start - _EPOCH) // timedelta(microseconds=1) * 1000
        # A client's span fails from 400 on: there it is the caller who did wrong. A server's only from 500 on.
        failed = bool(outcome.error) or outcome.code >= (500 if span.side is Side.SERVER else 400)
        told: dict[str, str | int] = {**span.attributes}
        if outcome.code:
            told["http.response.status_code"] = outcome.code
        if failed:
            told["error.type"] = outcome.error or str(outcome.code)
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(context.trace_id, context.span_id),
                parent=_context(context.trace_id, context.parent_id) if context.parent_id else None,
                resource=self._resource,
                attributes=told,
                kind=_KINDS[span.side],
                status=_FAILED if failed else _UNSET,
                start_time=start,
                end_time=start + round(span.seconds * 1e9),
            )
        )

    def close(self) -> None:
        """Send what is queued, within `EXPORT_SECONDS`."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


def _context(trace_id: str, span_id: str) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
