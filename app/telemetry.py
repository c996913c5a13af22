"""Quell's own record: one JSON object a log line, with trace, incident and service, and never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from core.redaction import redact

_PROPAGATOR = TraceContextTextMapPropagator()
_IDS = RandomIdGenerator()
_QUIET = ("uvicorn.error", "uvicorn.access", "httpx", "httpcore", "aiosqlite", "alembic", "asyncio")
"""Libraries whose chatter says nothing that Quell's own events do not say."""


def configure_logging(*, level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line, of Quell and of libraries, as JSON to `stream` (standard error when None)."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact_event,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True


def redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: hide secrets in every field, messages and stack traces included."""
    return {key: redact(value, key) for key, value in event.items()}


def new_trace_id() -> str:
    """A random W3C trace id: 32 hexadecimal digits."""
    return format_trace_id(_IDS.generate_trace_id())


def incoming_trace_id(headers: Mapping[str, str]) -> str:
    """The trace id of a ``traceparent`` header (https://www.w3.org/TR/trace-context/), a new one when it has none.

    Args:
        headers: names in lower case.
    """
    span = get_current_span(_PROPAGATOR.extract(headers)).get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else new_trace_id()
