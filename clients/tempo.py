"""`core.ports.TraceSource` over Tempo (https://grafana.com/docs/tempo/latest/api_docs/).

Tempo's search finds a trace half a minute after it was sent and not before, and drops leading zeros of trace ids.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import Field

from clients import failures
from clients.connection import ConnectionSettings
from clients.failures import Server
from clients.http import JsonApi, Parameters
from clients.otlp import from_tempo
from clients.quoting import quoted
from core.clock import Clock
from core.errors import ConfigError, InvalidInput, SourceError, SourceRejected
from core.models import Model, Window
from core.ports import SourceStatus
from core.traces import Span, SpanPage, TraceQuery

MIN_VERSION = (2, 0)
"""The first with TraceQL."""

_TRACE_ID_CHARACTERS = 32


class TempoSettings(ConnectionSettings):
    """The `tempo` section of quell.yaml."""

    tenant: str = Field(default="", max_length=150, description="sent as X-Scope-OrgID; empty: not sent")
    max_traces: int = Field(default=50, ge=1, le=1000, description="read at most for one query")
    max_concurrent: int = Field(default=4, ge=1, le=32, description="traces read at once")


class FoundTrace(Model):
    """A trace that a search found."""

    trace_id: str
    root_service: str = ""
    root_name: str = ""


class Tempo:
    """A `core.ports.TraceSource`. Every method but `status` raises as `clients.http.JsonApi.get_json`."""

    name = "tempo"

    def __init__(self, settings: TempoSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._server = Server("Tempo", "tempo", settings.url)
        scope = {"X-Scope-OrgID": settings.tenant} if settings.tenant else {}
        self._http = JsonApi(self._server, settings, clock, {"Accept": "application/json", **scope})

    async def search(self, query: TraceQuery) -> tuple[FoundTrace, ...]:
        """Traces with a span of the service in the window."""
        given: Parameters = {
            "q": f"{{resource.service.name={quoted(query.service)}}}",
            **_seconds(query.window),
            "limit": self._settings.max_traces,
        }
        document = await self._http.get_json("/api/search", given)
        try:
            if not document.keys() & {"traces", "metrics"}:  # either may be left out, not both
                raise LookupError("neither traces nor metrics")
            return tuple(
                FoundTrace(
                    trace_id=str(each["traceID"]).rjust(_TRACE_ID_CHARACTERS, "0"),
                    root_service=each.get("rootServiceName", ""),
                    root_name=each.get("rootTraceName", ""),
                )
                for each in document.get("traces") or ()
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise failures.unexpected(self._server, f"{type(error).__name__} {error}") from error

    async def service_names(self, window: Window) -> tuple[str, ...]:
        """Names of the services with a span in the window."""
        document = await self._http.get_json("/api/v2/search/tag/resource.service.name/values", _seconds(window))
        try:
            return tuple(sorted(str(each["value"]) for each in document["tagValues"] or ()))
        except (LookupError, TypeError) as error:
            raise failures.unexpected(self._server, f"{type(error).__name__} {error}") from error

    async def trace(self, trace_id: str) -> tuple[Span, ...]:
        """All spans of a trace, of all services; none when it is unknown."""
        if len(trace_id) > _TRACE_ID_CHARACTERS or not set(trace_id) <= set("0123456789abcdef"):
            raise SourceRejected(f"{trace_id[:80]!r} is no trace id", fix="give up to 32 hexadecimal digits")
        document = await self._http.get_json(f"/api/v2/traces/{trace_id}", optional=True)
        if document is None:  # a version without that API; the older one answers 404 for an unknown trace
            document = {"trace": await self._http.get_json(f"/api/traces/{trace_id}", optional=True) or {}}
        try:
            return from_tempo(document["trace"]).spans
        except (LookupError, TypeError, InvalidInput) as error:
            raise failures.unexpected(self._server, str(error)) from error

    async def query(self, query: TraceQuery) -> SpanPage:
        """Spans of the service that began in the window, oldest first; beyond the limit the newest."""
        free = asyncio.Semaphore(self._settings.max_concurrent)

        async def read(found: FoundTrace) -> tuple[Span, ...]:
            async with free:
                return await self.trace(found.trace_id)

        traces = await asyncio.gather(*(read(found) for found in await self.search(query)))
        window = query.window
        spans = {
            (span.trace_id, span.span_id): span
            for trace in traces
            for span in trace
            if span.service == query.service and window.start <= span.start < window.end
        }
        ordered = sorted(spans.values(), key=lambda span: (span.start, span.trace_id, span.span_id))
        return SpanPage(spans=tuple(ordered[-query.limit :]), dropped=max(0, len(ordered) - query.limit))

    async def status(self) -> SourceStatus:
        """Reachable when it answers as a Tempo of a version that is understood."""
        if not self._settings.url:
            return SourceStatus(name=self.name, configured=False, fix="set tempo.url, or send spans to /v1/traces")
        try:
            answer = await self._http.get("/api/status/buildinfo")
            version = _version(await self._http.read(answer))
        except (LookupError, TypeError) as error:
            problem: SourceError | ConfigError = failures.unexpected(self._server, f"{type(error).__name__} {error}")
        except (SourceError, ConfigError) as error:
            problem = error
        else:
            old = failures.older(version, MIN_VERSION)
            skew = failures.skew_told(answer.headers, self._clock.now())
            return SourceStatus(
                name=self.name,
                configured=True,
                reachable=not old,
                version=version,
                detail=f"version {version} is too old" if old else skew,
                fix="upgrade Tempo" if old else ("set both clocks by NTP" if skew else ""),
            )
        return SourceStatus(name=self.name, configured=True, detail=problem.message, fix=problem.fix)


def _seconds(window: Window) -> dict[str, int]:
    """The window in whole seconds, which is all that the API takes."""
    return {"start": int(window.start.timestamp()), "end": int((window.end + timedelta(seconds=1)).timestamp())}


def _version(document: Any) -> str:
    return str(document["version"])
