"""A small real world for the crash tests: an edge service that calls a leaf, both supervised, and Quell beside them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import yaml

from app.settings import Settings
from clients.processes.client import SupervisorClient
from clients.snapshot import read_snapshot
from core.clock import SystemClock
from core.errors import SourceUnavailable
from core.models import LIVE, Incident, RunState
from drills.environments.children import Child
from drills.ports import free_ports
from events.inbox import accept
from stores.migrate import upgrade
from stores.store import Store
from tests.support import eventually

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BASELINE_SAMPLES = 32
FAILED_REQUESTS = 40


class World:
    """One test's processes and its store."""

    def __init__(self, folder: Path, store: Store, settings: Settings, ports: dict[str, int]) -> None:
        self.folder = folder
        self.store = store
        self.settings = settings
        self.ports = ports
        self.supervisor = SupervisorClient(settings.socket_path)
        self.flaw = folder / "leaf.flaw"
        self.watching = [settings]

    async def start_quell(self, point: str = "", twin: bool = False) -> tuple[Child, Path]:
        """A Quell that stops at `point`, or one that does not.

        Args:
            twin: a second one, as on another machine: it shares the database and has a data folder of its own.
        """
        name = "quell-twin" if twin else "quell"
        marker = self.folder / f"reached-{point.replace(':', '-')}"
        argv = [sys.executable, str(HERE / "quell.py"), str(self.folder / f"{name}.yaml")]
        argv += [point, str(marker)] if point else []
        child = await Child.start(name, argv, environment=environment(), folder=self.folder)
        return child, marker

    async def reached(self, marker: Path, *children: Child) -> Child:
        """Wait until one of them is at the point where it stops; returns it."""

        def there() -> Child | None:
            for child in children:
                child.check()
            written = marker.read_text() if marker.exists() else ""
            return next((child for child in children if str(child.pid) == written), None)

        found = await eventually(there, deadline_seconds=60)
        assert found is not None
        return found

    async def kill_at(self, child: Child, marker: Path) -> None:
        """Wait until the point is reached, then SIGKILL."""
        await self.reached(marker, child)
        os.kill(child.pid, signal.SIGKILL)

    def write_twin(self) -> None:
        """The configuration of the second Quell, whose data folder leads to the same supervisor."""
        config = yaml.safe_load((self.folder / "quell.yaml").read_text())
        (self.folder / "quell-twin.yaml").write_text(yaml.safe_dump({**config, "data_dir": "data-twin"}))
        twin = Settings.load(self.folder / "quell-twin.yaml")
        twin.data_path.mkdir()
        twin.socket_path.symlink_to(self.settings.socket_path)
        twin.logs_path.symlink_to(self.settings.logs_path)
        self.watching.append(twin)

    async def baseline(self) -> None:
        """Wait until every Quell has seen enough of the healthy services; its own snapshot on disk tells."""

        def seen() -> bool:
            paths = [each.snapshot_path for each in self.watching]
            return all(path.exists() and read_snapshot(path).times.size >= BASELINE_SAMPLES for path in paths)

        await eventually(seen, deadline_seconds=30)

    async def alert(self, name: str = "EdgeErrors") -> None:
        """An alert on the edge, through the inbox as the webhook puts it there."""
        now = SystemClock().now().isoformat()
        body = {
            "version": "4",
            "status": "firing",
            "receiver": "quell",
            "groupKey": "{}",
            "groupLabels": {},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "",
            "alerts": [
                {
                    "status": "firing",
                    "labels": {"alertname": name, "severity": "critical", "service": "edge"},
                    "annotations": {},
                    "startsAt": now,
                    "endsAt": "0001-01-01T00:00:00Z",
                    "fingerprint": "feedfeedfeedfeed",
                }
            ],
        }
        await accept(self.store, "alertmanager", json.dumps(body).encode())

    async def incident(self) -> Incident | None:
        """The one incident there is; more than one is a failure of the test."""
        async with self.store.read() as tx:
            found = await tx.incidents.find()
        assert len(found) <= 1, found
        return found[0] if found else None

    async def ended(self, deadline_seconds: float = 60.0) -> Incident:
        """Wait until the incident has ended."""

        async def done() -> Incident | None:
            incident = await self.incident()
            return incident if incident and incident.status not in LIVE else None

        incident = await eventually(done, deadline_seconds=deadline_seconds, every_seconds=0.1)
        assert incident is not None
        return incident

    async def break_release(self) -> None:
        """The fault that nothing heals: every request fails since a deploy. Returns once the edge shows it."""
        await self.supervisor.deploy("leaf", "2", key="test-deploy")
        self.flaw.touch()

        async def shows() -> bool:
            async with httpx.AsyncClient(trust_env=False) as client:
                page = (await client.get(f"http://127.0.0.1:{self.ports['edge']}/metrics")).text
            failed = [line for line in page.splitlines() if line.startswith('http_requests_total{code="500"}')]
            return bool(failed) and float(failed[0].split()[-1]) >= FAILED_REQUESTS

        await eventually(shows, deadline_seconds=30)

    async def kill_leaf(self) -> None:
        """The fault: SIGKILL."""
        state = await self.supervisor.state("leaf")
        assert state.pid is not None
        os.kill(state.pid, signal.SIGKILL)


def environment() -> dict[str, str]:
    """What a child sees."""
    return {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}


def configuration(folder: Path, ports: dict[str, int], autonomy: str) -> dict[str, Any]:
    """quell.yaml of the world."""
    leaf, edge = f"http://127.0.0.1:{ports['leaf']}", f"http://127.0.0.1:{ports['edge']}"
    script = [sys.executable, str(HERE / "service.py")]
    argv = {
        "leaf": [*script, str(ports["leaf"]), str(folder / "leaf.flaw")],
        "edge": [*script, str(ports["edge"]), str(folder / "edge.flaw"), leaf],
    }
    urls = {"leaf": leaf, "edge": edge}
    return {
        "data_dir": "data",
        "autonomy": autonomy,
        "services": [
            {"name": "edge", "tier": 1, "dependencies": ["leaf"], "identity": {"alert_labels": {"service": "edge"}}},
            {"name": "leaf"},
        ],
        "processes": [
            {
                "name": name,
                "argv": argv[name],
                "releases": [{"version": "1"}, {"version": "2"}],
                "release": "1",
                "health": {"url": f"{urls[name]}/healthz", "timeout_seconds": 1},
                "stop_grace_seconds": 1,
            }
            for name in ("leaf", "edge")
        ],
        "scrape": {
            "interval_seconds": 0.25,
            "timeout_seconds": 1,
            "retention_seconds": 600,
            "snapshot_seconds": 0.5,
            "targets": [{"url": f"{urls[name]}/metrics", "labels": {"job": name}} for name in urls],
        },
        "analysis": {
            "window_seconds": 3,
            "baseline_seconds": 8,
            "step_seconds": 0.25,
            "rate_window_seconds": 2,
            "floors": {"latency": {"absolute": 0.5}},  # several worlds share two cores
            "change_lookback_seconds": 60,
        },
        "verification": {"deadline_seconds": 12, "hold_seconds": 1, "poll_seconds": 0.25, "settle_seconds": 0.5},
        "worker": {"poll_seconds": 0.2, "lease_seconds": 2},
        "policy": {
            "rules": [{"name": "all", "effect": "allow"}],
            "cooldown_seconds": 0.5,
        },
    }


@asynccontextmanager
async def world(
    folder: Path,
    autonomy: str = "act",
    database_url: str = "",
    ports: dict[str, int] | None = None,
    changes: Mapping[str, Any] | None = None,
    elsewhere: Collection[str] = (),
) -> AsyncIterator[World]:
    """Services up and loaded, store migrated, Quell not started yet.

    Args:
        database_url: empty for a file of the world's own.
        ports: of the services; free ones unless given.
        changes: sections of quell.yaml that take the place of the world's own.
        elsewhere: services that the test runs itself, past the supervisor.
    """
    ports = ports or dict(zip(("leaf", "edge"), free_ports(2), strict=True))
    config = folder / "quell.yaml"
    sections = {**configuration(folder, ports, autonomy), "database_url": database_url, **(changes or {})}
    config.write_text(yaml.safe_dump(sections))
    settings = Settings.load(config)
    settings.data_path.mkdir()
    supervise = await Child.start(
        "supervise",
        [sys.executable, "-P", "-m", "app.cli.main", "supervise", "--config", str(config)],
        environment=environment(),
        folder=folder,
    )
    await upgrade(settings.store_url)
    store = await Store.open(settings.store_url, SystemClock())
    here = World(folder, store, settings, ports)
    load = asyncio.create_task(_load(ports["edge"]))
    try:
        for name in set(ports) - set(elsewhere):
            await eventually(lambda name=name: _healthy(here, supervise, name), deadline_seconds=60)
        yield here
    finally:
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await store.close()
        await supervise.stop()


async def _healthy(here: World, supervise: Child, name: str) -> bool:
    supervise.check()
    try:
        state = await here.supervisor.state(name)
    except SourceUnavailable:
        return False
    return state.state is RunState.RUNNING and state.healthy is True


async def _load(port: int) -> None:
    """Twenty requests a second on the edge."""
    async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
        while True:
            with suppress(httpx.HTTPError):
                await client.get(f"http://127.0.0.1:{port}/")
            await asyncio.sleep(0.05)
