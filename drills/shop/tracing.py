"""W3C Trace Context (https://www.w3.org/TR/trace-context/), and the spans that a service measures along it.

Names and attributes follow OpenTelemetry's semantic conventions for HTTP
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from core.clock import Clock, SystemClock

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span of a trace: 32 and 16 hex digits.

    Attributes:
        parent_id: of the span that it is part of; empty at the root.
    """

    trace_id: str
    span_id: str
    parent_id: str = ""

    @classmethod
    def continued(cls, traceparent: str) -> Self:
        """A new span in the caller's trace; a new trace when the header is missing or malformed."""
        match = _TRACEPARENT.fullmatch(traceparent)
        if not match or not match["trace"].strip("0"):
            return cls(trace_id=secrets.token_hex(16), span_id=secrets.token_hex(8))
        parent_id = match["span"] if match["span"].strip("0") else ""
        return cls(trace_id=match["trace"], span_id=secrets.token_hex(8), parent_id=parent_id)

    def child(self) -> TraceContext:
        """A new span that is part of this one."""
        return TraceContext(self.trace_id, secrets.token_hex(8), self.span_id)

    @property
    def traceparent(self) -> str:
        """The header to send to the next service, marked as sampled."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class Side(StrEnum):
    """Which end of a request a span is of."""

    SERVER = "server"
    CLIENT = "client"


Attributes = Mapping[str, str | int]


@dataclass(slots=True)
class Outcome:
    """How a request ended; filled in while its span runs."""

    code: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class FinishedSpan:
    """A span that has ended."""

    context: TraceContext
    side: Side
    name: str
    start: datetime
    seconds: float
    outcome: Outcome
    attributes: Attributes


def _dropped(span: FinishedSpan) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Tracer:
    """Measures spans and hands each one on when it ends; by default to nobody.

    Attributes:
        clock: gives the time that spans begin.
        keep: takes ended spans; must neither fail nor wait.
    """

    clock: Clock = field(default_factory=SystemClock)
    keep: Callable[[FinishedSpan], None] = _dropped

    @contextmanager
    def span(self, context: TraceContext, side: Side, name: str, attributes: Attributes) -> Iterator[Outcome]:
        """Measure what is inside; an exception marks the span as failed and goes on."""
        start, began = self.clock.now(), self.clock.monotonic()
        outcome = Outcome()
        try:
            yield outcome
        except Exception as error:
            outcome.error = type(error).__name__
            raise
        finally:
            seconds = self.clock.monotonic() - began
            self.keep(FinishedSpan(context, side, name, start, seconds, outcome, attributes))
