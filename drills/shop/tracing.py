"""W3C Trace Context (https://www.w3.org/TR/trace-context/): read the caller's, pass an own span on."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Self

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span of a trace: 32 and 16 hex digits."""

    trace_id: str
    span_id: str

    @classmethod
    def continued(cls, traceparent: str) -> Self:
        """A new span in the caller's trace; a new trace when the header is missing or malformed."""
        match = _TRACEPARENT.fullmatch(traceparent)
        trace_id = match["trace"] if match and match["trace"].strip("0") else secrets.token_hex(16)
        return cls(trace_id=trace_id, span_id=secrets.token_hex(8))

    @property
    def traceparent(self) -> str:
        """The header to send to the next service, marked as sampled."""
        return f"00-{self.trace_id}-{self.span_id}-01"
