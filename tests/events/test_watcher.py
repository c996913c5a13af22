"""The watcher over a real scrape of a real exporter: it alerts on symptoms that last, and on their end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime

import pytest
from prometheus_client import CollectorRegistry, Counter, Metric

from analysis.config import AnalysisConfig
from clients.buffer import ScrapeBuffer
from clients.logfiles import LogFiles
from clients.scrape import ScrapeSettings, ScrapeTarget
from core.clock import ManualClock
from core.errors import ConfigError, SourceError, SourceUnavailable, StoreUnavailable
from core.frames import BaselineQuery, SeriesBaseline
from core.models import Alert, AlertStatus, Autonomy, Finding, Identity, Past, Service, Severity, Shape, Signal, Usual
from core.ports import BaselineSource
from events.correlation import CorrelationSettings
from events.intake import Intake
from events.looks import Look
from events.watched import WatchSettings
from events.watcher import Silences, Watcher
from stores.store import Store
from tests.exporter import Exporter
from tests.support import eventually
from tools.inventory import Inventory
from tools.signals import DEFAULT_SIGNALS, SignalSpec
from tools.sources import Sources

STEP_SECONDS = 5.0
ANALYSIS = AnalysisConfig(
    window_seconds=20, baseline_seconds=60, step_seconds=STEP_SECONDS, rate_window_seconds=2 * STEP_SECONDS
)
ONLY_UP = tuple(spec for spec in DEFAULT_SIGNALS if spec.signal is Signal.UP)
SERVICES = Inventory(
    [Service(name="gateway", tier=1, identity=Identity(prometheus={"job": "gateway"})), Service(name="cart", tier=2)]
)


class Plant:
    """A service under load that can be broken: its exporter is real, its time is the test's."""

    def __init__(self, clock: ManualClock) -> None:
        registry = CollectorRegistry()
        self.requests = Counter("http_requests_total", "requests", ["code"], registry=registry)
        self.exporter = Exporter(registry)
        registry.register(self)
        self.missed = False
        self.clock = clock
        target = ScrapeTarget(url=self.exporter.url, labels={"job": "gateway"})
        self.buffer = ScrapeBuffer(ScrapeSettings(interval_seconds=STEP_SECONDS, targets=(target,)), clock)
        self.failing = False

    def collect(self) -> Iterator[Metric]:
        """Nothing of its own; the scrape fails while it is to be missed."""
        if self.missed:
            raise OSError("too busy to answer")
        return iter(())

    async def work(self, steps: int) -> None:
        """Serve and scrape for that many steps."""
        for _ in range(steps):
            self.requests.labels("200").inc(100)
            self.requests.labels("500").inc(50 if self.failing else 0)
            await self.buffer.scrape_once()
            self.clock.advance(STEP_SECONDS)

    def stop(self) -> None:
        self.exporter.stop()


@pytest.fixture
def plant(clock: ManualClock) -> Iterator[Plant]:
    running = Plant(clock)
    yield running
    running.stop()


def watcher(
    store: Store,
    plant: Plant,
    *,
    for_ticks: int = 2,
    services: tuple[str, ...] = (),
    inventory: Inventory = SERVICES,
    signals: tuple[SignalSpec, ...] = DEFAULT_SIGNALS,
    silences: Silences | None = None,
    baselines: BaselineSource | None = None,
) -> Watcher:
    sources = Sources(metrics=plant.buffer, logs=LogFiles({}), baselines=baselines)
    settings = WatchSettings(services=services, for_ticks=for_ticks)
    return Watcher(store, inventory, sources, plant.clock, settings, ANALYSIS, signals, silences)


async def look(watching: Watcher, plant: Plant, times: int) -> list[list[Alert]]:
    """What each of so many looks, one a step, sent."""
    sent = []
    for _ in range(times):
        await plant.work(1)
        sent.append(await watching.tick())
    return sent


async def test_a_symptom_that_lasts_is_alerted_once_and_its_end_too(store: Store, plant: Plant) -> None:
    watching = watcher(store, plant)
    await plant.work(16)
    assert await look(watching, plant, 3) == [[], [], []], "all is well"

    plant.failing = True
    sent = [alert for each in await look(watching, plant, 6) for alert in each]
    (fired,) = sent
    assert (fired.name, fired.severity, fired.status) == ("ErrorRateHigh", Severity.CRITICAL, AlertStatus.FIRING)
    assert fired.labels == {"alertname": "ErrorRateHigh", "service": "gateway", "severity": "critical"}
    assert "errors of gateway" in fired.annotations["summary"]
    assert fired.starts_at <= plant.clock.now()

    plant.failing = False
    (ended,) = [alert for each in await look(watching, plant, 10) for alert in each]
    assert (ended.fingerprint, ended.status) == (fired.fingerprint, AlertStatus.RESOLVED)
    assert ended.starts_at == fired.starts_at


class UsuallyWell:
    """Remembers days on which every signal was at that level."""

    def __init__(self, median: float) -> None:
        self.median = median

    async def baseline(self, query: BaselineQuery) -> SeriesBaseline:
        usual = Usual(past=Past.SAME_HOUR, median=self.median, spread=0.0, low=0.0, high=0.0, samples=84)
        return SeriesBaseline(until=query.until, usual=(usual,))


@pytest.mark.parametrize(("usually", "alerts"), [(None, []), (1 / 3, []), (0.0, ["ErrorRateHigh"])])
async def test_history_tells_what_the_last_minutes_cannot(
    store: Store, plant: Plant, usually: float | None, alerts: list[str]
) -> None:
    plant.failing = True
    watching = watcher(store, plant, baselines=None if usually is None else UsuallyWell(usually))
    await plant.work(16)
    sent = [alert for each in await look(watching, plant, 3) for alert in each]
    assert [alert.name for alert in sent] == alerts


async def test_what_it_sends_becomes_an_incident_and_ends_it(store: Store, plant: Plant) -> None:
    intake = Intake(store, SERVICES, plant.clock, CorrelationSettings(), autonomy=Autonomy.OBSERVE)
    watching = watcher(store, plant, for_ticks=1)
    await plant.work(16)
    plant.failing = True
    await look(watching, plant, 4)
    (opened,) = await intake.drain()
    async with store.read() as tx:
        incident = await tx.incidents.get(opened)
        (alert,) = await tx.alerts.of_incident(opened)
    assert (incident.title, incident.service) == ("ErrorRateHigh on gateway", "gateway")
    assert alert.source == "watch"
    plant.failing = False
    await look(watching, plant, 10)
    await intake.drain()
    async with store.read() as tx:
        assert await tx.alerts.firing() == []


async def test_one_bad_look_is_not_enough(store: Store, plant: Plant) -> None:
    watching = watcher(store, plant, for_ticks=50)
    await plant.work(16)
    plant.failing = True
    assert not any(await look(watching, plant, 6))
    async with store.read() as tx:
        assert await tx.inbox.pending(1) == []


async def test_looks_that_agree_must_follow_each_other(store: Store, plant: Plant, clock: ManualClock) -> None:
    class Told(Watcher):
        """Sees what the test tells it."""

        sees = [True, False, True, False, True, True]

        def _change(self, look: Look, finding: Finding | None, now: datetime) -> Alert | None:
            found = Finding(
                service=look.labels["service"],
                signal=Signal.UP,
                shape=Shape.ABSENT_UP,
                onset=now,
                magnitude=-9,
                evidence=("ev_1",),
            )
            return super()._change(look, found if self.sees.pop(0) else None, now)

    sources = Sources(metrics=plant.buffer, logs=LogFiles({}))
    await plant.work(16)
    watching = Told(store, SERVICES, sources, clock, WatchSettings(for_ticks=2), ANALYSIS, ONLY_UP)
    assert [len(await watching.tick()) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


async def test_a_service_that_is_gone_is_down(store: Store, plant: Plant) -> None:
    watching = watcher(store, plant, for_ticks=1)
    await plant.work(16)
    plant.exporter.stop()
    sent = [alert for each in await look(watching, plant, 4) for alert in each]
    assert [alert.name for alert in sent] == ["ServiceDown"]


async def test_a_service_that_never_answered_is_not_down(store: Store, plant: Plant) -> None:
    plant.missed = True
    assert not any(await look(watcher(store, plant, for_ticks=1, signals=ONLY_UP), plant, 20))


async def test_a_service_is_not_down_before_it_has_started(store: Store, plant: Plant) -> None:
    watching = watcher(store, plant, for_ticks=1, signals=ONLY_UP)
    for missed in (True, False) * 8:
        plant.missed = missed
        assert await look(watching, plant, 1) == [[]], "missed scrapes of a start are no outage"
    assert not any(await look(watching, plant, 12))
    plant.missed = True
    assert [alert.name for each in await look(watching, plant, 20) for alert in each] == ["ServiceDown"]


async def test_a_restarted_watcher_remembers_what_is_firing(store: Store, plant: Plant) -> None:
    intake = Intake(store, SERVICES, plant.clock, CorrelationSettings(), autonomy=Autonomy.OBSERVE)
    await plant.work(16)
    plant.failing = True
    (fired,) = [alert for each in await look(watcher(store, plant), plant, 5) for alert in each]
    await intake.drain()
    restarted = watcher(store, plant)
    assert not any(await look(restarted, plant, 3)), "it is known already"
    plant.failing = False
    (ended,) = [alert for each in await look(restarted, plant, 10) for alert in each]
    assert (ended.fingerprint, ended.status) == (fired.fingerprint, AlertStatus.RESOLVED)


async def test_a_fault_that_lasts_never_becomes_normal(store: Store, plant: Plant) -> None:
    watching = watcher(store, plant)
    await plant.work(16)
    plant.failing = True
    sent = [alert for each in await look(watching, plant, 40) for alert in each]
    assert [alert.status for alert in sent] == [AlertStatus.FIRING]


async def test_a_signal_that_cannot_be_read_changes_nothing(store: Store, plant: Plant) -> None:
    nameless = Inventory([Service(name="gateway", tier=1)])
    assert await watcher(store, plant, for_ticks=1, inventory=nameless).tick() == []


async def test_services_that_do_not_exist_are_a_config_error(store: Store, plant: Plant) -> None:
    with pytest.raises(ConfigError, match="nobody"):
        watcher(store, plant, services=("nobody",))


async def test_signals_that_nothing_measures_are_not_watched(store: Store, plant: Plant) -> None:
    watching = watcher(store, plant, for_ticks=1, signals=ONLY_UP)
    await plant.work(16)
    plant.failing = True
    assert not any(await look(watching, plant, 4))


async def test_the_loop_looks_again_after_a_failure(store: Store, plant: Plant) -> None:
    class Stumbling(Watcher):
        """Fails on its first look, as it does while the database is locked."""

        looks = 0

        async def tick(self) -> list[Alert]:
            self.looks += 1
            if self.looks == 1:
                raise StoreUnavailable("locked")
            return []

    sources = Sources(metrics=plant.buffer, logs=LogFiles({}))
    watching = Stumbling(store, SERVICES, sources, plant.clock, WatchSettings(), ANALYSIS, DEFAULT_SIGNALS)
    loop = asyncio.create_task(watching.run())
    await eventually(lambda: watching.looks >= 3)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


class _Silence:
    """Silences everything, or cannot be read."""

    def __init__(self, error: SourceError | None = None) -> None:
        self.error = error

    async def silence_of(self, labels: Mapping[str, str]) -> object | None:
        if self.error is not None:
            raise self.error
        return "kept quiet by ann"


@pytest.mark.parametrize(("error", "alerts"), [(None, 0), (SourceUnavailable("Alertmanager is away"), 1)])
async def test_what_is_silenced_is_not_sent_and_an_unreadable_silence_silences_nothing(
    store: Store, plant: Plant, error: SourceError | None, alerts: int
) -> None:
    watching = watcher(store, plant, for_ticks=1, silences=_Silence(error))
    await plant.work(16)
    plant.failing = True
    sent = [alert for each in await look(watching, plant, 4) for alert in each]
    assert len(sent) == alerts
