"""The inventory from what runs: an engine, a Prometheus' targets, spans, service graphs, merged with configuration.

Each part of a service says in `provenance` where it was seen, and when last if the source can tell.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import structlog

from core.errors import SourceError
from core.models import Service, Window
from core.traces import Span, SpanPage, TraceQuery
from tools.edges import Edge, edges_of, usable
from tools.inventory import CONFIGURED, Inventory, Process, discover, filled, seen, told

log = structlog.get_logger(__name__)

T = TypeVar("T")

LOOKBACK_SECONDS = 3600.0
"""Spans older than that tell of a system that may be gone."""

MAX_SPAN_SERVICES = 50
"""Services whose spans are read; they come one query each."""

MAX_SPANS = 1000
"""Read of one service; the newest."""

MAX_CALLEES = 50
"""Of one service, taken from spans; those that are called most."""

_CONCURRENT_QUERIES = 4
_UNNAMED = "unknown_service"
"""What OpenTelemetry's SDKs call a service that nobody named, often followed by the name of its program."""


class Page(Protocol):
    """A page of metrics, such as `clients.scrape.ScrapeTarget`."""

    @property
    def url(self) -> str: ...

    @property
    def labels(self) -> Mapping[str, str]: ...


class LiveTarget(Page, Protocol):
    """A page that a Prometheus scrapes, such as `clients.prometheus.source.Target`."""

    @property
    def last_scrape(self) -> datetime | None: ...


class SpanSource(Protocol):
    """A trace source that knows who sends spans, such as `clients.spans.SpanBuffer` and `clients.tempo.Tempo`."""

    @property
    def name(self) -> str: ...

    async def service_names(self, window: Window) -> Sequence[str]: ...

    async def query(self, query: TraceQuery) -> SpanPage: ...


Report = Callable[[str, SourceError], None]
"""Told the name of a source that did not answer, and why."""


def logged(source: str, error: SourceError) -> None:
    """A line in the log."""
    log.warning("source_not_discovered", source=source, error=error.message, fix=error.fix)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a source tells: who was seen, when last, and who calls whom."""

    services: Mapping[str, datetime]
    edges: tuple[Edge, ...]


async def discover_live(
    configured: Sequence[Service],
    *,
    now: datetime,
    processes: Iterable[Process] = (),
    targets: Sequence[Page] = (),
    engine: Callable[[], Awaitable[Sequence[Service]]] | None = None,
    prometheus: Callable[[], Awaitable[Sequence[LiveTarget]]] | None = None,
    spans: SpanSource | None = None,
    graph: Callable[[], Awaitable[Sequence[Edge]]] | None = None,
    report: Report = logged,
) -> list[Service]:
    """All services that are configured or seen, by name. A source that is away is reported and adds nothing.

    Configuration always wins: of a configured service only what is empty is filled in, its dependencies included.
    Of others the dependencies are all that anybody saw.

    Args:
        now: ends the time from which spans are read.
        processes: that are supervised.
        targets: of the own scrapes.
        engine: tells what an engine runs (`clients.docker.discovery.discover`).
        prometheus: tells what a Prometheus scrapes (`PrometheusMetrics.targets`).
        spans: where spans are.
        graph: tells what the metrics of a service graph count (`tools.service_graph.graph_edges`).
        report: told of each source that did not answer.

    Raises:
        ConfigError: two services share a name, or the TLS files of a source cannot be used.
    """
    running, scraped, traced, counted = await asyncio.gather(
        _ask("engine", engine, report),
        _ask("prometheus", prometheus, report),
        _ask(spans.name, lambda: _read(spans, now), report) if spans else _nothing(),
        _ask("service graph", graph, report),
    )
    found = {each.name: each for each in discover(processes, targets, configured, running or ())}
    addresses = _with_targets(found, scraped or ())
    addresses = {**_own_addresses(found, targets), **addresses}
    for source, seen_there in (("spans", traced), ("service graph", _counted(counted or ()))):
        if seen_there is not None:
            _with_calls(found, source, seen_there, addresses)
    return [found[name] for name in sorted(found)]


async def _nothing() -> None:
    return None


async def _ask(source: str, ask: Callable[[], Awaitable[T]] | None, report: Report) -> T | None:
    if ask is None:
        return None
    try:
        return await ask()
    except SourceError as error:
        report(source, error)
        return None


async def _read(source: SpanSource, now: datetime) -> _Seen:
    """The newest spans of every service that sent any.

    Raises:
        SourceError: the source did not answer.
    """
    window = Window(start=now - timedelta(seconds=LOOKBACK_SECONDS), end=now)
    every = await source.service_names(window)
    names = [name for name in every if usable(name) and not name.startswith(_UNNAMED)]
    if len(names) > MAX_SPAN_SERVICES:
        log.warning("span_services_left_out", source=source.name, services=len(names), read=MAX_SPAN_SERVICES)
    slots = asyncio.Semaphore(_CONCURRENT_QUERIES)

    async def read(name: str) -> tuple[Span, ...]:
        async with slots:
            return (await source.query(TraceQuery(service=name, window=window, limit=MAX_SPANS))).spans

    pages = await asyncio.gather(*(read(name) for name in sorted(names)[:MAX_SPAN_SERVICES]))
    spans = [span for page in pages for span in page]
    newest = {span.service: span.start for page in pages for span in page[-1:]}
    return _Seen(newest, edges_of(spans))


def _with_targets(found: dict[str, Service], targets: Iterable[LiveTarget]) -> dict[str, str]:
    """Add what Prometheus scrapes to `found`; returns services by address.

    A target belongs to the service that its labels mean, else to the one that its label `service` or `job` names.
    `instance` is no identity: a container that comes back has another.
    """
    known = Inventory(list(found.values()))
    pages: defaultdict[str, list[LiveTarget]] = defaultdict(list)
    for target in targets:
        name = known.resolve(target.labels).service or target.labels.get("service") or target.labels.get("job", "")
        if name:
            pages[name].append(target)
    for name, of_service in pages.items():
        first = of_service[0].labels
        common = {
            label: value for label, value in first.items() if all(x.labels.get(label) == value for x in of_service)
        }
        common.pop("instance", None)
        scraped = [target.last_scrape for target in of_service if target.last_scrape]
        where = f"Prometheus {told(common)}{_last(max(scraped, default=None))}"
        found[name] = seen(filled(found.get(name) or Service(name=name), prometheus=common), where)
    return {urlsplit(target.url).netloc: name for name, of_service in pages.items() for target in of_service}


def _own_addresses(found: Mapping[str, Service], pages: Iterable[Page]) -> dict[str, str]:
    """Services by the address of their page among the own scrapes."""
    inventory = Inventory(list(found.values()))
    named = {urlsplit(page.url).netloc: inventory.resolve(page.labels).service for page in pages}
    return {address: name for address, name in named.items() if name}


def _counted(edges: Sequence[Edge]) -> _Seen:
    """The services at both ends of the edges, with the instant of the last call."""
    newest: dict[str, datetime] = {}
    for edge in edges:
        for name in (edge.caller, edge.callee):
            newest[name] = max(edge.last_at, newest.get(name, edge.last_at))
    return _Seen(newest, tuple(edges))


def _with_calls(found: dict[str, Service], source: str, traced: _Seen, addresses: Mapping[str, str]) -> None:
    """Add services and edges that a source saw to `found`."""
    names = _names(found.values())
    for called, at in sorted(traced.services.items()):
        name = names.setdefault(called, called)
        service = found.get(name)
        if service is None:
            service = filled(Service(name=name), otel_service_name=called)
        found[name] = seen(service, f"{source}{_last(at)}")
    edges: defaultdict[str, dict[str, Edge]] = defaultdict(dict)
    for edge in sorted(traced.edges, key=lambda each: -each.calls):
        caller = names.get(edge.caller, edge.caller)
        callee = addresses.get(edge.address) or names.get(edge.callee, edge.callee)
        if caller in found and callee != caller and not _is_place(callee) and len(edges[caller]) < MAX_CALLEES:
            edges[caller].setdefault(callee, edge)
    for caller, callees in edges.items():
        service = found[caller]
        if CONFIGURED in service.provenance and service.dependencies:
            continue
        dependencies = tuple(dict.fromkeys((*service.dependencies, *sorted(callees))))
        where = tuple(f"{source}: calls {callee}{_last(callees[callee].last_at)}" for callee in sorted(callees))
        changed = {"dependencies": dependencies, "provenance": (*service.provenance, *where)}
        found[caller] = service.model_copy(update=changed)


def _names(services: Iterable[Service]) -> dict[str, str]:
    """Names of services by all that a span may call them; what more than one goes by names none of them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for service in services:
        identity = service.identity
        for called in (identity.process, identity.container, identity.swarm_service):
            found[called].add(service.name)
    names = {called: next(iter(mine)) for called, mine in found.items() if called and len(mine) == 1}
    services = list(services)
    names |= {service.name: service.name for service in services}
    return names | {s.identity.otel_service_name: s.name for s in services if s.identity.otel_service_name}


def _is_place(name: str) -> bool:
    """Whether a peer is only an address: an IP address, or this very machine."""
    if name == "localhost":
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _last(at: datetime | None) -> str:
    return f", last at {at.isoformat(timespec='seconds')}" if at else ""
