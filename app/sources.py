"""Which implementation stands behind the ports: a server where one is configured, else the embedded one."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from app.settings import Settings
from clients.alertmanager import Alertmanager
from clients.buffer import ScrapeBuffer
from clients.changes.files import ChangeFiles
from clients.changes.git import GitCommits
from clients.docker.actuator import DockerActuator
from clients.docker.discovery import discover as discover_running
from clients.docker.engine import Engine
from clients.docker.journal import EngineJournal
from clients.docker.logs import DockerLogs, target_of
from clients.docker.watch import EngineWatch
from clients.logfiles import LogFiles
from clients.loki.source import LokiLogs
from clients.processes.actuator import ProcessActuator
from clients.processes.client import SupervisorClient
from clients.processes.replicas import ReplicaTargets, replica_logs
from clients.prometheus.source import PrometheusMetrics
from clients.routed import RoutedLogs
from clients.spans import SpanBuffer
from clients.swarm.actuator import SwarmActuator
from clients.tempo import Tempo
from core.clock import Clock
from core.models import Service
from core.ports import Actuator, LogSource, MetricsSource, TraceSource
from stores.store import Store
from tools.baselines import HistoryBaselines
from tools.changes import AllChanges, StoredChanges
from tools.discovery import LOOKBACK_SECONDS, SpanSource, discover_live
from tools.inventory import Inventory
from tools.live import ByService
from tools.service_graph import graph_edges
from tools.signals import with_defaults
from tools.sources import Sources
from tools.template_memory import StoredTemplates

Loop = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Opened:
    """The sources, and what must run for them to be current.

    Attributes:
        inventory: what is configured, and what the engine runs.
        buffer: the own scrapes; scrapes nothing when a Prometheus takes its place.
        spans: what comes in at `/v1/traces`; None when a Tempo takes its place.
        alertmanager: asked for silences; None without one.
        engine: of containers and Swarm services; None without one.
        loops: run in the background, by name.
    """

    inventory: Inventory
    sources: Sources
    buffer: ScrapeBuffer
    traces: TraceSource
    spans: SpanBuffer | None
    alertmanager: Alertmanager | None
    engine: Engine | None
    loops: Mapping[str, Loop] = field(default_factory=dict)

    async def close(self) -> None:
        """Let go of what is connected."""
        if self.engine is not None:
            await self.engine.close()


async def open_sources(settings: Settings, clock: Clock, store: Store | None = None) -> Opened:
    """Wire sources and actuators, and look at what runs; a source that is away is logged and adds nothing.

    Args:
        store: where the history of series is kept; None keeps it in memory.

    Raises:
        ConfigError: addresses, files or services of the configuration do not fit together.
        StoreCorrupt: the journal of the engine is not what Quell wrote.
    """
    prometheus = settings.prometheus.rooted(settings.path)
    scraped = settings.scrape.model_copy(update={"targets": ()}) if prometheus.url else settings.scrape
    replicas = _replicas(settings)
    more = None if prometheus.url else replicas.look
    buffer = ScrapeBuffer(scraped, clock, settings.snapshot_path, more)
    tempo = settings.tempo.rooted(settings.path)
    spans = None if tempo.url else SpanBuffer(settings.traces, clock)
    alertmanager = settings.alertmanager.rooted(settings.path)
    metrics: MetricsSource = PrometheusMetrics(prometheus, clock) if prometheus.url else buffer
    engine = Engine(settings.docker, clock) if settings.docker.url else None
    traces = spans or Tempo(tempo, clock)
    discovery = Discovery(settings, clock, engine, metrics, traces, replicas)
    inventory = await discovery.inventory()
    actuators, loops = _actuators(settings, engine, clock)
    baselines = _baselines(settings, metrics, inventory, clock, store)
    if baselines is not None:
        loops["baselines"] = baselines.run
    return Opened(
        inventory=inventory,
        sources=Sources(
            metrics=metrics,
            logs=_logs(settings, inventory, engine, clock),
            actuators=actuators,
            traces=traces,
            baselines=baselines,
            changes=_changes(settings, store),
            templates=None if store is None else StoredTemplates(store),
        ),
        buffer=buffer,
        traces=traces,
        spans=spans,
        alertmanager=Alertmanager(alertmanager, clock) if alertmanager.url else None,
        engine=engine,
        loops={"scrape": buffer.run, "discover": discovery.run, **loops},
    )


def _changes(settings: Settings, store: Store | None) -> AllChanges:
    """What was reported to Quell, what files tell, and the commits of local repositories."""
    wanted = settings.changes.rooted(settings.path)
    reports = [StoredChanges(store)] if store is not None else []
    return AllChanges([*reports, ChangeFiles(wanted.files), GitCommits(wanted)])


class Discovery:
    """Looks at what runs, again and again, and keeps the inventory true; what is configured always wins."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        engine: Engine | None,
        metrics: MetricsSource,
        spans: SpanSource,
        replicas: ReplicaTargets,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._engine = engine
        self._metrics = metrics
        self._spans = spans
        self._replicas = replicas
        self._inventory = Inventory(())

    async def inventory(self) -> Inventory:
        """The inventory after a first look; later looks change it in place.

        Raises:
            ConfigError: two services share a name.
        """
        self._inventory.replace(await self._look())
        return self._inventory

    async def run(self) -> None:
        """Look every `discovery_seconds` until cancelled."""
        while True:
            await self._clock.sleep(self._settings.discovery_seconds)
            self._inventory.replace(await self._look())

    async def _look(self) -> list[Service]:
        settings, engine, metrics = self._settings, self._engine, self._metrics
        return await discover_live(
            settings.services,
            now=self._clock.now(),
            processes=settings.processes,
            targets=(*settings.scrape.targets, *self._replicas.known()),
            engine=partial(discover_running, engine) if engine is not None else None,
            prometheus=metrics.targets if isinstance(metrics, PrometheusMetrics) else None,
            spans=self._spans,
            graph=partial(graph_edges, metrics, self._clock.now(), LOOKBACK_SECONDS),
        )


def _actuators(settings: Settings, engine: Engine | None, clock: Clock) -> tuple[tuple[Actuator, ...], dict[str, Loop]]:
    """The actuators, and the loops that keep them current."""
    processes = ProcessActuator(SupervisorClient(settings.socket_path))
    if engine is None:
        return (processes,), {}
    journal = EngineJournal(settings.data_path / "engine.journal")
    watch = EngineWatch(engine, journal, clock, settings.docker.interval_seconds)
    return (processes, DockerActuator(engine, watch, clock), SwarmActuator(engine, watch, clock)), {"engine": watch.run}


def _baselines(
    settings: Settings, metrics: MetricsSource, inventory: Inventory, clock: Clock, store: Store | None
) -> HistoryBaselines | None:
    """The normals of days, unless no history is to be kept."""
    if not settings.baselines.days:
        return None
    signals = with_defaults(settings.signals)
    return HistoryBaselines(metrics, inventory, signals, settings.analysis, settings.baselines, clock, store)


def _replicas(settings: Settings) -> ReplicaTargets:
    """What is scraped of groups of processes, under the names of their services."""
    jobs = {service.identity.process: service.name for service in settings.services if service.identity.process}
    return ReplicaTargets(settings.processes, jobs, SupervisorClient(settings.socket_path))


def _logs(settings: Settings, inventory: Inventory, engine: Engine | None, clock: Clock) -> LogSource:
    """Loki for all, or files and, for what an engine runs, the engine; each follows the inventory as it changes."""
    if settings.loki.url:
        streams = ByService(inventory, lambda service: service.identity.loki)
        return LokiLogs(settings.loki.rooted(settings.path), streams, clock)
    listed = {entry.service: [settings.path(entry.path)] for entry in settings.logs.files}
    groups = {spec.name for spec in settings.processes if spec.replicas}

    def written(service: Service) -> list[Path]:
        process, more = service.identity.process, listed.get(service.name, [])
        if process in groups:
            return [*more, *replica_logs(settings.logs_path, process)]
        return [*more, settings.logs_path / f"{process}.log"] if process else more

    files = ChainMap(ByService(inventory, written), listed)  # type: ignore[arg-type]  # it is read only
    if engine is None:
        return LogFiles(files)
    targets = ByService(inventory, lambda service: None if service.name in files else target_of(service))
    return RoutedLogs(DockerLogs(engine, targets), targets, LogFiles(files))
