"""Spans as they pass between sources and analysis.

The terms are OpenTelemetry's (https://opentelemetry.io/docs/specs/otel/trace/api/#span); attributes are named as in its
semantic conventions (https://opentelemetry.io/docs/specs/semconv/).
"""

from __future__ import annotations

import json
from enum import StrEnum

from pydantic import Field

from core.models.base import Model, Utc, Window

KEPT_ATTRIBUTES = frozenset(
    {
        "peer.service",
        "server.address",
        "server.port",
        "net.peer.name",
        "net.peer.port",
        "network.peer.address",
        "db.system",
        "db.system.name",
        "db.name",
        "db.namespace",
        "messaging.system",
        "messaging.destination.name",
        "rpc.service",
        "http.method",
        "http.request.method",
        "http.route",
        "http.status_code",
        "http.response.status_code",
        "error.type",
    }
)
"""What is kept of a span's attributes: who was at the other end, and what was asked and answered."""

_PEER_NAMES = ("peer.service", "server.address", "net.peer.name", "messaging.destination.name", "network.peer.address")


class SpanKind(StrEnum):
    """Which side of a call a span tells of."""

    UNSPECIFIED = "unspecified"
    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Model):
    """One operation of one service."""

    trace_id: str = Field(pattern="^[0-9a-f]{32}$")
    span_id: str = Field(pattern="^[0-9a-f]{16}$")
    parent_id: str = Field(default="", pattern="^([0-9a-f]{16})?$", description="empty at the root of a trace")
    service: str = Field(min_length=1)
    name: str = ""
    kind: SpanKind = SpanKind.UNSPECIFIED
    start: Utc
    duration_seconds: float = Field(ge=0)
    error: bool = Field(default=False, description="its status is error")
    message: str = Field(default="", description="of the status")
    attributes: dict[str, str] = Field(default={}, description="those of KEPT_ATTRIBUTES that the span has")

    @property
    def peer(self) -> str:
        """Who was called, as the caller names it; empty unless the span is a client's or a producer's."""
        if self.kind not in (SpanKind.CLIENT, SpanKind.PRODUCER):
            return ""
        return next((self.attributes[name] for name in _PEER_NAMES if self.attributes.get(name)), "")


class TraceQuery(Model):
    """A question to a trace source about one service."""

    service: str = Field(min_length=1, description="the resource attribute service.name")
    window: Window
    limit: int = Field(default=1000, ge=1)

    @property
    def key(self) -> str:
        """Canonical JSON: equal queries have equal keys."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


class SpanPage(Model):
    """Spans in order of their start."""

    spans: tuple[Span, ...]
    dropped: int = Field(default=0, ge=0, description="spans of the window left out, as far as the source knows")
