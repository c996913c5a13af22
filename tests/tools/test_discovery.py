"""Discovery: one inventory from configuration, engine, Prometheus and spans; what is away adds nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from clients.prometheus.source import Target
from clients.scrape import ScrapeTarget
from clients.spans import SpanBuffer, SpanSettings
from core.clock import ManualClock
from core.errors import ConfigError, SourceError, SourceRejected, SourceUnavailable
from core.models import Identity, Service, Window
from core.traces import Span, SpanKind, SpanPage, TraceQuery
from tests.tools.world import NOON, called, span
from tools import discovery
from tools.discovery import discover_live
from tools.inventory import Inventory, discover

SECOND_AGO = NOON - timedelta(seconds=1)


def buffer(*spans: Span) -> SpanBuffer:
    """The embedded receiver, with those spans."""
    made = SpanBuffer(SpanSettings(retention_seconds=1e6), ManualClock(NOON))
    made.add(spans)
    return made


def page(job: str, address: str, at: datetime | None = SECOND_AGO, **labels: str) -> Target:
    return Target(
        url=f"http://{address}/metrics",
        labels={"job": job, "instance": address, **labels},
        health="up" if at else "unknown",
        last_scrape=at,
    )


def prometheus_of(*targets: Target) -> Callable[[], Awaitable[Sequence[Target]]]:
    async def ask() -> Sequence[Target]:
        return targets

    return ask


async def test_with_no_live_source_it_is_what_discover_finds() -> None:
    configured = [Service(name="pay", identity=Identity(prometheus={"job": "payment"}))]
    targets = [ScrapeTarget(url="http://127.0.0.1:1/metrics", labels={"job": "payment"})]
    assert await discover_live(configured, now=NOON, targets=targets) == discover([], targets, configured)


async def test_spans_add_services_and_edges_with_their_age() -> None:
    spans = buffer(*called("web", "pay", 1, SECOND_AGO, wait=0.2, work=0.1))
    pay, web = await discover_live([], now=NOON, spans=spans)
    assert web.dependencies == ("pay",)
    assert web.identity.otel_service_name == "web"
    assert web.provenance == (
        "spans, last at 2026-03-03T11:59:59+00:00",
        "spans: calls pay, last at 2026-03-03T11:59:59+00:00",
    )
    assert (pay.name, pay.dependencies) == ("pay", ())


async def test_spans_older_than_the_lookback_tell_nothing() -> None:
    old = NOON - timedelta(seconds=discovery.LOOKBACK_SECONDS + 10)
    assert await discover_live([], now=NOON, spans=buffer(*called("web", "pay", 1, old, wait=0.2, work=0.1))) == []


async def test_configuration_wins_and_what_it_leaves_empty_is_filled_in() -> None:
    spans = buffer(
        *called("checkout-svc", "pay", 1, SECOND_AGO, wait=0.2, work=0.1),
        *called("cart", "pay", 2, SECOND_AGO, wait=0.2, work=0.1),
    )
    configured = [
        Service(name="checkout", identity=Identity(otel_service_name="checkout-svc"), dependencies=("bank",)),
        Service(name="cart"),
    ]
    found = {each.name: each for each in await discover_live(configured, now=NOON, spans=spans)}
    assert set(found) == {"cart", "checkout", "pay"}
    assert found["checkout"].dependencies == ("bank",)
    assert found["cart"].dependencies == ("pay",)
    assert found["cart"].provenance[0] == "config"


async def test_what_an_engine_says_and_what_spans_show_are_both_dependencies() -> None:
    async def engine() -> list[Service]:
        web = Service(
            name="web", identity=Identity(container="shop-web-1"), dependencies=("db",), provenance=("compose",)
        )
        return [web, Service(name="db", provenance=("compose",))]

    spans = buffer(*called("shop-web-1", "pay", 1, SECOND_AGO, wait=0.2, work=0.1))
    found = {each.name: each for each in await discover_live([], now=NOON, engine=engine, spans=spans)}
    assert found["web"].dependencies == ("db", "pay")
    assert found["web"].provenance[0] == "compose"
    assert set(found) == {"web", "db", "pay"}, "the spans go by the container's name"


async def test_targets_of_a_prometheus_are_identities_with_their_age() -> None:
    live = prometheus_of(
        page("web", "10.0.0.1:80", SECOND_AGO, zone="a"),
        page("web", "10.0.0.2:80", NOON - timedelta(seconds=9), zone="a"),
        page("shop", "10.0.0.3:80", service="cart"),
        page("node", "10.0.0.4:80", None),
        page("payments", "10.0.0.5:80"),
    )
    configured = [Service(name="pay", identity=Identity(prometheus={"job": "payments"}))]
    found = {each.name: each for each in await discover_live(configured, now=NOON, prometheus=live)}
    assert set(found) == {"cart", "node", "pay", "web"}
    assert found["web"].identity.prometheus == {"job": "web", "zone": "a"}
    assert found["web"].provenance == ("Prometheus job=web, zone=a, last at 2026-03-03T11:59:59+00:00",)
    assert found["cart"].identity.prometheus == {"job": "shop", "service": "cart"}
    assert found["node"].provenance == ("Prometheus job=node",)
    assert found["pay"].identity.prometheus == {"job": "payments"}
    assert Inventory(list(found.values())).resolve({"job": "web", "zone": "a", "instance": "new"}).service == "web"


async def test_a_peer_that_is_only_an_address_is_the_service_that_is_scraped_there_or_nobody() -> None:
    def call(number: int, port: str) -> Span:
        place = {"server.address": "127.0.0.1", "server.port": port}
        return span("web", number, SECOND_AGO, 0.1, kind=SpanKind.CLIENT, attributes=place)

    (web, *others) = reversed(
        await discover_live(
            [],
            now=NOON,
            targets=[ScrapeTarget(url="http://127.0.0.1:9001/metrics", labels={"job": "cache"})],
            prometheus=prometheus_of(page("db", "127.0.0.1:9002")),
            spans=buffer(call(1, "9001"), call(2, "9002"), call(3, "9003")),
        )
    )
    assert web.dependencies == ("cache", "db")
    assert {each.name for each in others} == {"cache", "db"}


async def test_a_source_that_is_away_is_reported_and_the_others_count() -> None:
    async def gone() -> list[Service]:
        raise SourceUnavailable("connection refused", fix="start it")

    async def odd() -> list[Target]:
        raise SourceRejected("not a Prometheus")

    class Away(Flood):
        async def service_names(self, window: Window) -> Sequence[str]:
            raise SourceUnavailable("late")

    reported: list[tuple[str, str]] = []

    def report(source: str, error: SourceError) -> None:
        reported.append((source, error.message))

    found = await discover_live(
        [Service(name="pay")], now=NOON, engine=gone, prometheus=odd, spans=Away(()), report=report
    )
    assert [each.name for each in found] == ["pay"]
    assert sorted(reported) == [
        ("engine", "connection refused"),
        ("flood", "late"),
        ("prometheus", "not a Prometheus"),
    ]
    assert await discover_live([Service(name="pay")], now=NOON, engine=gone) == found, "by default it is logged"


async def test_a_mistake_in_the_configuration_is_no_outage() -> None:
    with pytest.raises(ConfigError):
        await discover_live([Service(name="pay"), Service(name="pay")], now=NOON)


@dataclass
class Flood:
    """A source with more senders than anybody has services, under names of all kinds."""

    names: Sequence[str]
    asked: list[str] = field(default_factory=list)
    name: str = "flood"

    async def service_names(self, window: Window) -> Sequence[str]:
        return self.names

    async def query(self, query: TraceQuery) -> SpanPage:
        self.asked.append(query.service)
        return SpanPage(spans=(span(query.service, 1, SECOND_AGO, 0.1),))


async def test_hostile_senders_add_a_bounded_number_of_services_with_usable_names() -> None:
    flood = Flood([f"s{number:04}" for number in range(500)])
    assert len(await discover_live([], now=NOON, spans=flood)) == len(flood.asked) == discovery.MAX_SPAN_SERVICES
    wild = Flood(["x" * 300, "a\x1b[2J", "", "unknown_service:python", "fine"])
    assert [each.name for each in await discover_live([], now=NOON, spans=wild)] == ["fine"]
