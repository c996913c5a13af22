"""The small world of the crash tests, its metrics kept by a real Prometheus instead of by Quell."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from clients.prometheus.settings import PrometheusSettings
from clients.prometheus.source import PrometheusMetrics
from core.clock import SystemClock
from core.frames import MetricQuery
from core.models import AttemptState, IncidentStatus, TimelineEntry, Window
from drills.ports import free_ports
from tests.crash.record import all_attempts, check_record, starts_of_leaf
from tests.crash.world import BASELINE_SAMPLES, World, world
from tests.servers.process import Server
from tests.servers.prometheus import prometheus
from tests.support import eventually

SCRAPE_SECONDS = 0.25
TIMEOUT_SECONDS = 1.0
"""What a query may take: short, so that a partition is seen within a test."""
SERVICES = ("leaf", "edge")
_REQUESTS = 'sum(rate(http_requests_total{job="edge"}[2s]))'
_FAILED = 'sum(rate(http_requests_total{job="edge",code="500"}[2s]))'
RULES: Mapping[str, Any] = {
    "groups": [
        {
            "name": "edge",
            "rules": [
                {
                    "alert": "EdgeErrors",
                    "expr": f"{_FAILED} / {_REQUESTS} > 0.2",
                    "for": "1s",
                    "labels": {"service": "edge", "severity": "critical"},
                }
            ],
        }
    ]
}


@dataclass
class Metrics:
    """A Prometheus that can be killed and begun again on the same data and address.

    Attributes:
        alertmanager: host:port of the one that is told when the edge fails; empty: nobody is.
    """

    folder: Path
    ports: dict[str, int]
    port: int
    alertmanager: str = ""
    _running: ExitStack = field(default_factory=ExitStack)
    _server: Server | None = None

    @property
    def url(self) -> str:
        """Its address as Quell is told it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        scraped = [
            {
                "job_name": name,
                "scrape_timeout": f"{SCRAPE_SECONDS * 1000:.0f}ms",
                "static_configs": [{"targets": [f"127.0.0.1:{self.ports[name]}"]}],
            }
            for name in SERVICES
        ]
        server = prometheus(
            self.folder,
            scrape_configs=scraped,
            rules=RULES,
            alertmanager=self.alertmanager,
            scrape_interval=f"{SCRAPE_SECONDS * 1000:.0f}ms",
            port=self.port,
        )
        self._server = self._running.enter_context(server)

    def kill(self) -> None:
        """SIGKILL."""
        assert self._server is not None
        os.kill(self._server.process.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End it, however it is."""
        self._running.close()

    async def baseline(self) -> None:
        """Wait until it has seen enough of the healthy services."""
        source = PrometheusMetrics(PrometheusSettings(url=self.url), SystemClock())
        asked = {"metric": "http_request_duration_seconds_count", "step_seconds": SCRAPE_SECONDS}

        async def seen() -> bool:
            now = SystemClock().now()
            window = Window(start=now - timedelta(seconds=BASELINE_SAMPLES * SCRAPE_SECONDS), end=now)
            for name in SERVICES:
                frame = await source.query(MetricQuery(matchers={"job": name}, window=window, **asked))
                if not frame.values.size or np.isnan(frame.values).any():
                    return False
            return True

        await eventually(seen, deadline_seconds=40, every_seconds=0.2)


def sections(url: str) -> dict[str, Any]:
    """What quell.yaml says here: a Prometheus, and no target of Quell's own."""
    return {
        "prometheus": {"url": url, "timeout_seconds": TIMEOUT_SECONDS},
        "scrape": {},
        "services": [
            {
                "name": "edge",
                "tier": 1,
                "dependencies": ["leaf"],
                "identity": {"alert_labels": {"service": "edge"}, "prometheus": {"job": "edge"}},
            },
            {"name": "leaf", "identity": {"prometheus": {"job": "leaf"}}},
        ],
        "verification": {"deadline_seconds": 40, "hold_seconds": 1, "poll_seconds": 0.25, "settle_seconds": 0.5},
    }


@asynccontextmanager
async def watched_world(folder: Path, *, told_to: str = "", **changes: Any) -> AsyncIterator[tuple[World, Metrics]]:
    """The world, and the Prometheus that watches it; Quell is not started yet.

    Args:
        told_to: host:port of the Alertmanager that is told when the edge fails.
        changes: further sections of quell.yaml.
    """
    leaf, edge, port = free_ports(3)
    ports = {"leaf": leaf, "edge": edge}
    data = folder / "prometheus"
    data.mkdir()
    metrics = Metrics(data, ports, port, told_to)
    try:
        async with world(folder, ports=ports, changes={**sections(metrics.url), **changes}) as here:
            metrics.start()
            await metrics.baseline()
            yield here, metrics
    finally:
        metrics.stop()


async def healed_once(here: World) -> None:
    """Resolved by one action, which the runtime saw once, and nothing of its record is lost."""
    await acted_once(here)
    await check_record(here)


async def acted_once(here: World) -> None:
    """Resolved by one action, which the runtime saw once."""
    incident = await here.ended(deadline_seconds=90)
    assert incident.status is IncidentStatus.RESOLVED, (incident, await timeline(here))
    assert incident.cause_service == "leaf"
    assert [attempt.state for attempt in await all_attempts(here)] == [AttemptState.DONE]
    assert await starts_of_leaf(here) == 1


async def timeline(here: World) -> list[TimelineEntry]:
    """What stands on the incident's timeline."""
    incident = await here.incident()
    assert incident is not None
    async with here.store.read() as tx:
        return list(await tx.timeline.of_incident(incident.id))


async def outages(here: World) -> str:
    """What the timeline says of outages."""
    return "\n".join(entry.text for entry in await timeline(here) if entry.kind == "outage")
