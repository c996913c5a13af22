"""What people and pipelines do to an engine, and Quell's view of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import NotFound  # type: ignore[import-untyped]  # the SDK ships no types

from clients.docker.engine import Engine
from clients.docker.journal import EngineJournal
from clients.docker.settings import DockerSettings
from clients.docker.watch import EngineWatch
from core.clock import Clock, SystemClock
from tests.servers.docker import IMAGE, DockerEngine, host_binds

SLEEP = ["sleep", "600"]


@dataclass(frozen=True, slots=True)
class Watched:
    """Quell's side of an engine."""

    engine: Engine
    watch: EngineWatch


@contextlib.asynccontextmanager
async def watching(host: DockerEngine, journal: Path, clock: Clock | None = None) -> AsyncIterator[Watched]:
    """A guarded client and a watch, without its background loop."""
    clock = clock or SystemClock()
    engine = Engine(DockerSettings(url=host.url), clock)
    try:
        yield Watched(engine, EngineWatch(engine, EngineJournal(journal), clock))
    finally:
        await engine.close()


def run_container(host: DockerEngine, name: str, release: str, **options: Any) -> str:
    """Deploy as a pipeline does: remove what has the name, run the release; returns the new id."""
    with contextlib.closing(host.api) as api:
        with contextlib.suppress(NotFound):
            api.containers.get(name).remove(force=True)
        given = {"command": SLEEP, "volumes": host_binds(), "stop_signal": "SIGKILL", **options}
        return str(api.containers.run(f"{IMAGE}:{release}", name=name, detach=True, **given).id)
