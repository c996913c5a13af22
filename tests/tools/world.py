"""A small world for tools and remediation: three services, and sources that answer from memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from analysis.config import AnalysisConfig
from core.errors import SourceError
from core.frames import Floats, Frame, LogLine, LogPage, LogQuery, MetricQuery
from core.models import (
    ActionOutcome,
    Alert,
    AlertStatus,
    Change,
    Identity,
    RunState,
    Service,
    ServiceState,
    Severity,
    Utc,
    Window,
)
from core.ports import SourceStatus
from core.traces import Span, SpanKind, SpanPage, TraceQuery
from tools.context import QueryContext
from tools.inventory import Inventory
from tools.signals import DEFAULT_SIGNALS
from tools.sources import Sources

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
ANALYSIS = AnalysisConfig(window_seconds=60, baseline_seconds=300, step_seconds=5, rate_window_seconds=10)

Values = Callable[[Floats], Floats]
"""Times (epoch seconds) to values, both shape (n,)."""


def service(name: str, *dependencies: str, **fields: Any) -> Service:
    """A supervised, scraped service."""
    identity = Identity(process=name, prometheus={"job": name})
    return Service(name=name, dependencies=dependencies, **{"identity": identity} | fields)


SHOP = Inventory([service("gateway", "orders"), service("orders", "payment"), service("payment")])


@dataclass
class Metrics:
    """Series by (job, metric, function, pattern); counts the queries. `failure` is raised instead of an answer.

    With `fails_until` set, only queries whose window ends before it fail.
    """

    series: dict[tuple[str, str, str, str], Values] = field(default_factory=dict)
    failure: SourceError | None = None
    fails_until: datetime | None = None
    queries: list[MetricQuery] = field(default_factory=list)
    name: str = "memory"

    def has(self, job: str, metric: str, values: Values, *, function: str = "raw", pattern: str = "") -> None:
        self.series[(job, metric, function, pattern)] = values

    async def query(self, query: MetricQuery) -> Frame:
        self.queries.append(query)
        if self.failure and (self.fails_until is None or query.window.end < self.fails_until):
            raise self.failure
        empty = Frame.empty(query.window, query.step_seconds)
        pattern = ",".join(f"{label}={value}" for label, value in query.matchers_regex.items())
        values = self.series.get((query.matchers["job"], query.metric, query.function.value, pattern))
        if values is None:
            return empty
        return Frame(empty.start, empty.step, ({},), values(empty.times)[np.newaxis, :])

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=self.failure is None)


@dataclass
class Logs:
    """Lines of any service, in pages."""

    lines: list[LogLine] = field(default_factory=list)
    failure: SourceError | None = None
    name: str = "memory"

    async def query(self, query: LogQuery) -> LogPage:
        if self.failure:
            raise self.failure
        start = int(query.cursor or 0)
        wanted = [
            line
            for line in self.lines
            if line.service == query.service and query.window.start <= line.at < query.window.end
        ]
        end = start + query.limit
        return LogPage(lines=tuple(wanted[start:end]), cursor=str(end) if end < len(wanted) else "")

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True)


@dataclass
class Traces:
    """Spans of any service, oldest first; counts the queries."""

    spans: list[Span] = field(default_factory=list)
    failure: SourceError | None = None
    queries: list[TraceQuery] = field(default_factory=list)
    name: str = "memory"

    async def query(self, query: TraceQuery) -> SpanPage:
        self.queries.append(query)
        if self.failure:
            raise self.failure
        wanted = [
            span
            for span in self.spans
            if span.service == query.service and query.window.start <= span.start < query.window.end
        ]
        return SpanPage(spans=tuple(wanted[-query.limit :]), dropped=max(0, len(wanted) - query.limit))

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=self.failure is None)


@dataclass
class Processes:
    """Sees every service whose identity names a process; each look differs from the one before. Never acts."""

    changed: list[Change] = field(default_factory=list)
    failure: SourceError | None = None
    looks: int = 0
    name: str = "memory"

    def owns(self, service: Service) -> bool:
        return bool(service.identity.process)

    async def state(self, service: Service) -> ServiceState:
        if self.failure:
            raise self.failure
        self.looks += 1
        at = NOON + timedelta(milliseconds=self.looks)
        return ServiceState(service=service.name, at=at, state=RunState.RUNNING, pid=self.looks, release="1.0")

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        return [c for c in self.changed if c.service == service.name and window.start <= c.at < window.end]

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        raise AssertionError("a query acted")

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        return None

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True)


def steady(level: float) -> Values:
    """The same value at all times."""
    return lambda times: np.full_like(times, level)


def step(before: float, after: float, at: datetime) -> Values:
    """One value before an instant, another from then on."""
    return lambda times: np.where(times < at.timestamp(), before, after)


def healthy(metrics: Metrics, job: str) -> None:
    """Every default signal of a service, calm."""
    metrics.has(job, "http_requests_total", steady(20.0), function="rate")
    metrics.has(job, "http_request_duration_seconds", steady(0.1), function="quantile")
    metrics.has(job, "process_cpu_seconds_total", steady(0.2), function="rate")
    metrics.has(job, "process_resident_memory_bytes", steady(5e7))
    metrics.has(job, "up", steady(1.0))


def failing_since(metrics: Metrics, job: str, at: datetime, share: float = 0.5) -> None:
    """That share of the requests fails from an instant on."""
    metrics.has(job, "http_requests_total", step(0.0, 20.0 * share, at), function="rate", pattern="code=5..")


def lines(service: str, count: int, text: str, *, start: datetime, seconds: float) -> list[LogLine]:
    """Lines spread evenly."""
    every = seconds / max(1, count)
    return [
        LogLine(at=start + timedelta(seconds=index * every), service=service, text=text.format(index))
        for index in range(count)
    ]


def span(service: str, number: int, start: datetime, seconds: float, **fields: Any) -> Span:
    """A server's span in a trace of its own, unless the fields say otherwise."""
    plain = {
        "trace_id": f"{number + 1:032x}",
        "span_id": f"{number + 1:016x}",
        "name": "GET /",
        "kind": SpanKind.SERVER,
    }
    return Span(**{"service": service, "start": start, "duration_seconds": seconds} | plain | fields)


def called(
    caller: str, callee: str, number: int, start: datetime, *, wait: float, work: float, error: bool = False
) -> list[Span]:
    """A request that `caller` answers by one call: it works 10 ms, waits, and `callee` works for a part of that."""
    trace_id, ids = f"{number + 1:032x}", [f"{number + 1:08x}{part:08x}" for part in range(1, 4)]
    common: dict[str, Any] = {"trace_id": trace_id, "error": error}
    peer = {"server.address": callee}
    asked, call = start + timedelta(milliseconds=5), start + timedelta(milliseconds=6)
    return [
        span(caller, number, start, wait + 0.01, span_id=ids[0], name="POST /buy", **common),
        span(
            caller,
            number,
            asked,
            wait,
            span_id=ids[1],
            parent_id=ids[0],
            name="POST",
            kind=SpanKind.CLIENT,
            attributes=peer,
            **common,
        ),
        span(callee, number, call, work, span_id=ids[2], parent_id=ids[1], name="POST /charges", **common),
    ]


def context(sources: Sources, *, now: datetime = NOON, inventory: Inventory = SHOP) -> QueryContext:
    """A look back from `now`: a minute of window after five minutes of baseline."""
    middle = now - timedelta(seconds=ANALYSIS.window_seconds)
    return QueryContext(
        incident_id="inc_1",
        now=now,
        window=Window(start=middle, end=now),
        baseline=Window(start=middle - timedelta(seconds=ANALYSIS.baseline_seconds), end=middle),
        inventory=inventory,
        sources=sources,
        signals=DEFAULT_SIGNALS,
        analysis=ANALYSIS,
        alerts=(alert("gateway"),),
    )


def alert(service: str, *, minutes_ago: float = 1.0) -> Alert:
    """A critical alert about a service."""
    return Alert(
        fingerprint=f"fp-{service}",
        status=AlertStatus.FIRING,
        name="HighErrors",
        severity=Severity.CRITICAL,
        labels={"job": service},
        annotations={"summary": "requests fail"},
        starts_at=NOON - timedelta(minutes=minutes_ago),
        source="test",
        service=service,
    )
