"""The small world of the crash tests with its leaf in a container that the engine itself brings back."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from clients.docker.journal import EngineJournal
from drills.ports import free_ports
from tests.clients.docker.world import run_container
from tests.crash.world import HERE, World, configuration, world
from tests.servers.docker import DockerEngine, host_binds


@dataclass(frozen=True, slots=True)
class Contained:
    """The world, the engine beside it, and the leaf's container."""

    here: World
    host: DockerEngine
    container: str

    def inspect(self) -> dict[str, Any]:
        """What the engine tells of the leaf."""
        with contextlib.closing(self.host.api) as api:
            told: dict[str, Any] = api.containers.get(self.container).attrs
        return told

    def hang(self) -> None:
        """The fault: the leaf's process is suspended, which no restart policy notices."""
        os.kill(self.inspect()["State"]["Pid"], signal.SIGSTOP)

    def actions(self) -> list[str]:
        """What Quell asked of the engine, by its journal; left to the engine: not asked."""
        journal = EngineJournal(self.here.settings.data_path / "engine.journal")
        return [each.action for each in journal.actions(f"container/{self.container}") if each.sent]


@asynccontextmanager
async def contained_world(folder: Path, host: DockerEngine) -> AsyncIterator[Contained]:
    """The leaf as a container of the policy `unless-stopped`, the edge as a process; Quell is not started yet."""
    leaf, edge = free_ports(2)
    ports, name = {"leaf": leaf, "edge": edge}, f"leaf-{uuid4().hex[:8]}"
    config = configuration(folder, ports, "act")
    service = {"name": "leaf", "identity": {"container": name}}
    command = [sys.executable, str(HERE / "service.py"), str(leaf), str(folder / "leaf.flaw")]
    changes = {
        "processes": [each for each in config["processes"] if each["name"] == "edge"],
        "services": [config["services"][0], service],
        "docker": {"url": host.url, "interval_seconds": 1, "timeout_seconds": 5},
        "verification": {"deadline_seconds": 40, "hold_seconds": 1, "poll_seconds": 0.25, "settle_seconds": 0.5},
    }
    async with world(folder, ports=ports, changes=changes, elsewhere={"leaf"}) as here:
        run_container(
            host,
            name,
            "v1",
            command=command,
            volumes=host_binds(python=True),
            network_mode="host",
            restart_policy={"Name": "unless-stopped"},
        )
        yield Contained(here, host, name)
