"""What every `Actuator` must do. A new implementation joins by one entry in `IMPLEMENTATIONS`.

An implementation is a context manager that runs a long-lived program under the name "payment" with releases "v1" (now
running) and "v2", and yields a `Stage`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from clients.docker.actuator import DockerActuator
from clients.processes.actuator import ProcessActuator
from clients.swarm.actuator import SwarmActuator
from core.clock import SystemClock
from core.errors import ActuatorError
from core.models import Identity, RunState, Service, Window
from core.ports import Actuator
from tests.clients.docker.world import run_container, run_service, watching
from tests.servers.docker import DockerEngine
from tests.supervisor.running import RELEASED, supervising

pytestmark = pytest.mark.xdist_group("engine")


@dataclass(frozen=True, slots=True)
class Stage:
    """An actuator, the service it owns, and a way to deploy a release, as a pipeline would."""

    actuator: Actuator
    service: Service
    deploy: Callable[[str], Awaitable[object]]


@contextlib.asynccontextmanager
async def processes(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Stage]:
    """Local processes under a supervisor."""
    async with supervising(folder, RELEASED) as client:
        service = Service(name="Payment service", identity=Identity(process="payment"))
        yield Stage(ProcessActuator(client), service, lambda v: client.deploy("payment", v, key=f"deploy-{v}"))


def fresh_name() -> str:
    """A name of a test's own: the engine remembers events of the tests before."""
    return f"payment-{uuid4().hex[:8]}"


@contextlib.asynccontextmanager
async def containers(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Stage]:
    """Containers of a real engine."""
    host: DockerEngine = request.getfixturevalue("docker_engine")
    name = fresh_name()
    run_container(host, name, "v1")
    async with watching(host, folder / "docker.jsonl") as docker:
        service = Service(name="Payment service", identity=Identity(container=name))
        actuator = DockerActuator(docker.engine, docker.watch, SystemClock())
        yield Stage(actuator, service, lambda v: asyncio.to_thread(run_container, host, name, v))


@contextlib.asynccontextmanager
async def swarm_services(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Stage]:
    """Services of a real swarm of one node."""
    host: DockerEngine = request.getfixturevalue("docker_engine")
    name = fresh_name()
    await asyncio.to_thread(run_service, host, name, "v1")
    async with watching(host, folder / "docker.jsonl") as docker:
        service = Service(name="Payment service", identity=Identity(swarm_service=name))
        actuator = SwarmActuator(docker.engine, docker.watch, SystemClock())
        yield Stage(actuator, service, lambda v: asyncio.to_thread(run_service, host, name, v))


Implementation = Callable[[pytest.FixtureRequest, Path], AbstractAsyncContextManager[Stage]]
IMPLEMENTATIONS: dict[str, Implementation] = {
    "process": processes,
    "docker": containers,
    "swarm": swarm_services,
}
_SLOW = ("docker", "swarm")


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.slow if name in _SLOW else ()) for name in IMPLEMENTATIONS]
)
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """Each implementation with its program running."""
    async with IMPLEMENTATIONS[request.param](request, tmp_path) as made:
        yield made


def recent() -> Window:
    now = datetime.now(UTC)
    return Window(start=now - timedelta(minutes=10), end=now + timedelta(seconds=1))


async def test_it_owns_what_it_runs_and_nothing_else(stage: Stage) -> None:
    assert stage.actuator.owns(stage.service)
    assert not stage.actuator.owns(Service(name="elsewhere"))


async def test_state_is_told_under_the_services_name(stage: Stage) -> None:
    state = await stage.actuator.state(stage.service)
    assert (state.service, state.actuator) == (stage.service.name, stage.actuator.name)
    assert (state.state, state.release) == (RunState.RUNNING, "v1")
    assert state.started_at is not None


async def test_restart_happens_once_per_key(stage: Stage) -> None:
    before = await stage.actuator.state(stage.service)
    outcome = await stage.actuator.run("restart", stage.service, {}, "att_1")
    after = await stage.actuator.state(stage.service)
    assert outcome.ok
    assert before.started_at is not None
    assert after.started_at is not None
    assert after.started_at > before.started_at

    assert await stage.actuator.run("restart", stage.service, {}, "att_1") == outcome
    assert (await stage.actuator.state(stage.service)).started_at == after.started_at
    assert [c.kind for c in await stage.actuator.changes(stage.service, recent())].count("restart") == 1


async def test_what_happened_can_be_observed_and_what_did_not_too(stage: Stage) -> None:
    since = datetime.now(UTC)
    await stage.actuator.run("restart", stage.service, {}, "att_1")
    assert await stage.actuator.observe("restart", stage.service, {}, "att_1", since) is True
    later = datetime.now(UTC)
    assert await stage.actuator.observe("restart", stage.service, {}, "att_2", later) is False


async def test_stop_and_start(stage: Stage) -> None:
    assert (await stage.actuator.run("stop", stage.service, {}, "att_1")).ok
    assert (await stage.actuator.state(stage.service)).state is RunState.STOPPED
    assert (await stage.actuator.run("start", stage.service, {}, "att_2")).ok
    assert (await stage.actuator.state(stage.service)).state is RunState.RUNNING


async def test_rollback_returns_to_the_release_before_and_back_again(stage: Stage) -> None:
    await stage.deploy("v2")
    outcome = await stage.actuator.run("rollback", stage.service, {}, "att_1")
    assert (outcome.ok, outcome.before, outcome.after) == (True, "v2", "v1")
    assert (await stage.actuator.state(stage.service)).release == "v1"
    assert (await stage.actuator.run("rollback", stage.service, {}, "att_2")).after == "v2"
    deploys = [c for c in await stage.actuator.changes(stage.service, recent()) if c.kind == "deploy"]
    assert [(c.service, c.before, c.after) for c in deploys] == [(stage.service.name, "v1", "v2")]


async def test_an_action_it_does_not_know_is_refused_with_a_fix(stage: Stage) -> None:
    with pytest.raises(ActuatorError) as raised:
        await stage.actuator.run("make_coffee", stage.service, {}, "att_1")
    assert raised.value.fix


async def test_status_is_reachable(stage: Stage) -> None:
    status = await stage.actuator.status()
    assert (status.name, status.configured, status.reachable) == (stage.actuator.name, True, True)
