"""What people and pipelines do to an engine, and Quell's view of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]  # the SDK ships no types
from docker.errors import NotFound  # type: ignore[import-untyped]  # as above

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


def run_service(host: DockerEngine, name: str, release: str, *, replicas: int = 1, image: str = IMAGE) -> None:
    """Create a Swarm service, or update it to the release, as a pipeline does; waits for its tasks."""
    with contextlib.closing(host.api) as api:
        found = api.services.list(filters={"name": name})
        if found:
            spec = api.api.inspect_service(found[0].id)["Spec"]
            spec["TaskTemplate"]["ContainerSpec"]["Image"] = f"{image}:{release}"
            update_service(host, name, spec)
        else:
            mounts = [f"{path}:{path}:ro" for path in ("/usr",)]
            template = docker.types.ContainerSpec(
                f"{image}:{release}", command=SLEEP, mounts=mounts, stop_grace_period=100_000_000, init=True
            )
            mode = docker.types.ServiceMode("replicated", replicas=replicas)
            api.api.create_service(docker.types.TaskTemplate(template), name=name, mode=mode)
        wait_for_tasks(host, name, f"{image}:{release}")


def update_service(host: DockerEngine, name: str, spec: dict[str, Any]) -> None:
    """Replace the specification of a service by hand."""
    with contextlib.closing(host.api) as api:
        told = api.api.inspect_service(name)
        url = f"{api.api.base_url}/v{api.api.api_version}/services/{told['ID']}/update"
        answer = api.api.post(url, params={"version": told["Version"]["Index"]}, json=spec)
        assert answer.ok, answer.text


def running_images(host: DockerEngine, name: str) -> list[str]:
    """Images of the tasks of a service that run and are meant to."""
    with contextlib.closing(host.api) as api:
        tasks = api.api.tasks(filters={"service": name})
    return [
        task["Spec"]["ContainerSpec"]["Image"]
        for task in tasks
        if task["DesiredState"] == "running" and task["Status"]["State"] == "running"
    ]


def wait_for_tasks(host: DockerEngine, name: str, image: str, deadline_seconds: float = 30.0) -> None:
    """Until all tasks that run are of that image, as many as are wanted."""
    with contextlib.closing(host.api) as api:
        wanted = api.api.inspect_service(name)["Spec"]["Mode"]["Replicated"]["Replicas"]
    deadline = time.monotonic() + deadline_seconds
    while running_images(host, name) != [image] * wanted:
        assert time.monotonic() < deadline, f"{name}: {running_images(host, name)}, not {wanted} of {image}"
        time.sleep(0.1)
