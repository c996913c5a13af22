"""The watcher over a real scrape of a service whose memory is not given back: its alert comes before the limit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from analysis.config import AnalysisConfig
from clients.buffer import ScrapeBuffer
from clients.logfiles import LogFiles
from clients.scrape import ScrapeSettings, ScrapeTarget
from core.clock import ManualClock
from core.models import Alert, AlertStatus, Identity, Service, Severity, Signal
from events.watched import SATURATION, WatchSettings
from events.watcher import Watcher
from stores.store import Store
from tests.exporter import Exporter
from tools.inventory import Inventory
from tools.signals import DEFAULT_SIGNALS, SignalSpec
from tools.sources import Sources

MIB = 2**20
STEP_SECONDS = 5.0
ANALYSIS = AnalysisConfig(window_seconds=20, baseline_seconds=60, step_seconds=STEP_SECONDS, rate_window_seconds=10)
SERVICES = Inventory(
    [
        Service(name="gateway", tier=1, dependencies=("cache",), identity=Identity(prometheus={"job": "gateway"})),
        Service(name="cache", tier=3, identity=Identity(prometheus={"job": "cache"})),
    ]
)


class Cache:
    """A cache that tells its memory and its limit; it answers whatever its memory is."""

    def __init__(self, clock: ManualClock) -> None:
        registry = CollectorRegistry()
        self.memory = Gauge("process_resident_memory_bytes", "memory", registry=registry)
        self.limit = Gauge("container_spec_memory_limit_bytes", "limit", registry=registry)
        self.memory.set(60 * MIB)
        self.limit.set(256 * MIB)
        self.exporter = Exporter(registry)
        self.clock = clock
        target = ScrapeTarget(url=self.exporter.url, labels={"job": "cache"})
        self.buffer = ScrapeBuffer(ScrapeSettings(interval_seconds=STEP_SECONDS, targets=(target,)), clock)

    async def work(self, steps: int, grow: int = 0) -> None:
        """Serve and scrape for that many steps, keeping some bytes in each."""
        for _ in range(steps):
            self.memory.inc(grow)
            await self.buffer.scrape_once()
            self.clock.advance(STEP_SECONDS)

    def stop(self) -> None:
        self.exporter.stop()


@pytest.fixture
def cache(clock: ManualClock) -> Iterator[Cache]:
    running = Cache(clock)
    yield running
    running.stop()


def watcher(store: Store, cache: Cache, signals: tuple[SignalSpec, ...] = DEFAULT_SIGNALS) -> Watcher:
    sources = Sources(metrics=cache.buffer, logs=LogFiles({}))
    return Watcher(store, SERVICES, sources, cache.clock, WatchSettings(for_ticks=2), ANALYSIS, signals)


async def look(watching: Watcher, cache: Cache, times: int, grow: int = 0) -> list[Alert]:
    sent: list[Alert] = []
    for _ in range(times):
        await cache.work(1, grow)
        sent += await watching.tick()
    return sent


async def test_a_leak_is_told_before_the_limit_and_is_over_after_a_restart(store: Store, cache: Cache) -> None:
    watching = watcher(store, cache)
    await cache.work(16)
    assert await look(watching, cache, 2) == [], "all is well"

    (fired,) = await look(watching, cache, 14, grow=8 * MIB)
    assert cache.memory._value.get() < 256 * MIB
    assert (fired.name, fired.severity, fired.service) == ("MemorySaturation", Severity.WARNING, "cache")
    assert fired.annotations["pattern"] == "memory_leak"
    assert "expected at its limit of 2.684e+08" in fired.annotations["summary"]

    cache.memory.set(60 * MIB)
    (ended,) = await look(watching, cache, 6)
    assert (ended.fingerprint, ended.status) == (fired.fingerprint, AlertStatus.RESOLVED)


async def test_a_rise_without_a_known_limit_is_not_alerted(store: Store, cache: Cache) -> None:
    cache.limit.set(0)  # as cAdvisor tells a container without one
    watching = watcher(store, cache)
    await cache.work(16)
    assert await look(watching, cache, 12, grow=8 * MIB) == []


async def test_a_limit_that_is_far_away_is_not_alerted(store: Store, cache: Cache) -> None:
    cache.limit.set(1e12)
    watching = watcher(store, cache)
    await cache.work(16)
    assert await look(watching, cache, 12, grow=8 * MIB) == []


async def test_what_warms_up_is_not_alerted(store: Store, cache: Cache) -> None:
    watching = watcher(store, cache)
    await cache.work(16)
    sent: list[Alert] = []
    for growth in (60, 30, 15, 8, 4, 2, 1, 0, 0, 0):
        sent += await look(watching, cache, 1, grow=growth * MIB)
    assert sent == []


@pytest.mark.parametrize("signal", list(SATURATION))
async def test_all_that_fills_up_is_watched_where_it_and_its_limit_are_measured(
    store: Store, cache: Cache, signal: Signal
) -> None:
    def spec(of: Signal, metric: str) -> SignalSpec:
        return SignalSpec(signal=of, metric=metric, unit="units")

    limit = Signal(f"{signal.value}_limit")
    measured = (spec(signal, "process_resident_memory_bytes"), spec(limit, "container_spec_memory_limit_bytes"))
    watching = watcher(store, cache, measured)
    await cache.work(16)
    (fired,) = await look(watching, cache, 14, grow=9 * MIB)
    assert fired.name == SATURATION[signal][0]
    assert await look(watcher(store, cache, measured[:1]), cache, 4, grow=MIB) == [], "nobody knows the limit"
