"""Which implementation stands behind the ports that read: a server where one is configured, else the embedded one."""

from __future__ import annotations

from dataclasses import dataclass

from app.operations.opening import inventory_of
from app.settings import Settings
from clients.buffer import ScrapeBuffer
from clients.logfiles import LogFiles
from clients.loki.source import LokiLogs
from clients.processes.actuator import ProcessActuator
from clients.processes.client import SupervisorClient
from clients.prometheus.source import PrometheusMetrics
from core.clock import Clock
from core.ports import Actuator, LogSource, MetricsSource
from tools.inventory import Inventory
from tools.sources import Sources


@dataclass(frozen=True, slots=True)
class Opened:
    """The sources, and what must run for them to be current.

    Attributes:
        buffer: the own scrapes; scrapes nothing when a Prometheus takes its place.
    """

    sources: Sources
    buffer: ScrapeBuffer


def open_sources(settings: Settings, clock: Clock) -> Opened:
    """Wire the reading side. Nothing is connected yet.

    Raises:
        ConfigError: services or addresses of the configuration do not fit together.
    """
    inventory = inventory_of(settings)
    scraped = settings.scrape.model_copy(update={"targets": ()}) if settings.prometheus.url else settings.scrape
    buffer = ScrapeBuffer(scraped, clock, settings.snapshot_path)
    metrics: MetricsSource = PrometheusMetrics(settings.prometheus, clock) if settings.prometheus.url else buffer
    actuators: tuple[Actuator, ...] = (ProcessActuator(SupervisorClient(settings.socket_path)),)
    return Opened(Sources(metrics=metrics, logs=_logs(settings, inventory, clock), actuators=actuators), buffer)


def _logs(settings: Settings, inventory: Inventory, clock: Clock) -> LogSource:
    if settings.loki.url:
        streams = {service.name: service.identity.loki for service in inventory.all()}
        return LokiLogs(settings.loki, streams, clock)
    files = {entry.service: [settings.path(entry.path)] for entry in settings.logs.files}
    for service in inventory.all():
        if service.identity.process:
            files.setdefault(service.name, []).append(settings.logs_path / f"{service.identity.process}.log")
    return LogFiles(files)
