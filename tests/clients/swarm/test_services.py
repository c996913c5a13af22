"""Services of a real swarm of one node: healthy replicas stay, and what the tasks say counts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from clients.docker.discovery import discover
from clients.docker.logs import DockerLogs, LogTarget
from clients.swarm.actuator import SwarmActuator
from core.clock import SystemClock
from core.errors import ActuatorError
from core.frames import LogQuery
from core.models import Change, Identity, RunState, Service, Window
from tests.clients.docker.world import Watched, run_service, running_images, update_service, watching
from tests.servers.docker import IMAGE, DockerEngine
from tests.support import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def web() -> Service:
    """A service of a name of its own: the engine remembers events of the tests before."""
    return Service(name="web", identity=Identity(swarm_service=f"web-{uuid4().hex[:8]}"))


@pytest.fixture
async def docker(docker_engine: DockerEngine, tmp_path: Path) -> AsyncIterator[Watched]:
    async with watching(docker_engine, tmp_path / "docker.jsonl") as watched:
        yield watched


@pytest.fixture
def api(docker_engine: DockerEngine) -> Iterator[Any]:
    with contextlib.closing(docker_engine.api) as made:
        yield made


def actuator_of(docker: Watched, **options: Any) -> SwarmActuator:
    return SwarmActuator(docker.engine, docker.watch, SystemClock(), **options)


async def changes(actuator: SwarmActuator, web: Service) -> list[Change]:
    now = datetime.now(UTC)
    window = Window(start=now - timedelta(minutes=5), end=now + timedelta(seconds=1))
    return list(await actuator.changes(web, window))


def task_rows(api: Any, web: Service) -> list[Any]:
    tasks = api.api.tasks(filters={"service": web.identity.swarm_service, "desired-state": "running"})
    return [task for task in tasks if task["Status"]["State"] == "running"]


def running_tasks(api: Any, web: Service) -> set[str]:
    return {task["ID"] for task in task_rows(api, web)}


def spec_of(api: Any, web: Service) -> Any:
    return api.api.inspect_service(web.identity.swarm_service)["Spec"]


async def test_scaling_keeps_the_tasks_that_run_and_changes_nothing_else(
    docker_engine: DockerEngine, docker: Watched, api: Any, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    before, spec = running_tasks(api, web), spec_of(api, web)
    actuator = actuator_of(docker)
    outcome = await actuator.run("scale", web, {"replicas": "3"}, "att_1")
    assert (outcome.ok, outcome.before, outcome.after) == (True, "1", "3")
    assert before < running_tasks(api, web)
    state = await actuator.state(web)
    assert (state.replicas, state.healthy, state.health_detail) == (3, None, "3 of 3 tasks run")
    now = spec_of(api, web)
    del now["Labels"], spec["Labels"], now["Mode"], spec["Mode"]
    assert now == spec
    told = [(c.kind, c.before, c.after, c.actor) for c in await changes(actuator, web)]
    assert told == [("scale", "1", "3", "quell")]
    assert (await actuator.run("scale", web, {"replicas": outcome.before}, "att_2")).ok
    assert len(running_tasks(api, web)) == 1


@pytest.mark.parametrize("replicas", ["0", "-1", "many", "", "100000"])
async def test_a_count_that_is_none_is_refused(
    docker_engine: DockerEngine, docker: Watched, replicas: str, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    with pytest.raises(ActuatorError):
        await actuator_of(docker).run("scale", web, {"replicas": replicas}, "att_1")


async def test_a_restart_starts_each_replacement_first_and_gives_the_update_order_back(
    docker_engine: DockerEngine, docker: Watched, api: Any, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    own = {"Parallelism": 2, "Order": "stop-first", "FailureAction": "continue", "MaxFailureRatio": 0.5}
    update_service(docker_engine, web.identity.swarm_service, {**spec_of(api, web), "UpdateConfig": own})
    restarting = asyncio.create_task(actuator_of(docker).run("restart", web, {}, "att_1"))
    fewest = 1
    while not restarting.done():
        fewest = min(fewest, len(await asyncio.to_thread(running_images, docker_engine, web.identity.swarm_service)))
    assert (await restarting).ok
    assert fewest == 1
    assert spec_of(api, web)["UpdateConfig"] == own
    assert spec_of(api, web)["TaskTemplate"]["ForceUpdate"] == 1


async def test_a_rollback_goes_to_the_recorded_image_though_the_swarm_forgot_it(
    docker_engine: DockerEngine, docker: Watched, api: Any, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    await docker.watch.catch_up()
    run_service(docker_engine, web.identity.swarm_service, "v2")
    actuator = actuator_of(docker)
    assert (await actuator.run("scale", web, {"replicas": "2"}, "att_1")).ok
    previous = api.api.inspect_service(web.identity.swarm_service)["PreviousSpec"]
    assert previous["TaskTemplate"]["ContainerSpec"]["Image"] == f"{IMAGE}:v2"
    outcome = await actuator.run("rollback", web, {}, "att_2")
    assert (outcome.ok, outcome.before, outcome.after) == (True, "v2", "v1")
    assert running_images(docker_engine, web.identity.swarm_service) == [f"{IMAGE}:v1"] * 2
    state = await actuator.state(web)
    assert (state.release, state.previous_release) == ("v1", "v2")


async def test_an_update_to_a_missing_image_is_seen_by_its_rejected_tasks_and_taken_back(
    docker_engine: DockerEngine, docker: Watched, api: Any, tmp_path: Path, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    before = running_tasks(api, web)
    actuator = actuator_of(docker)
    outcome = await actuator.run("rollback", web, {"release": "gone"}, "att_1")
    assert not outcome.ok
    assert "v1 is back" in outcome.detail
    assert "No such image" in outcome.detail
    assert before <= running_tasks(api, web)
    assert spec_of(api, web)["TaskTemplate"]["ContainerSpec"]["Image"] == f"{IMAGE}:v1"
    assert any("No such image" in c.detail for c in await changes(actuator, web) if c.kind == "exit")
    async with watching(docker_engine, tmp_path / "other.jsonl") as other:
        assert await actuator_of(other).observe("rollback", web, {}, "att_1", datetime.now(UTC)) is False
        assert not (await actuator_of(other).run("rollback", web, {"release": "gone"}, "att_1")).ok


async def test_another_quell_knows_the_action_by_the_mark_in_the_service(
    docker_engine: DockerEngine, docker: Watched, api: Any, tmp_path: Path, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    since = datetime.now(UTC)
    assert (await actuator_of(docker).run("restart", web, {}, "att_1")).ok
    tasks = running_tasks(api, web)
    async with watching(docker_engine, tmp_path / "other.jsonl") as other:
        actuator = actuator_of(other)
        assert await actuator.observe("restart", web, {}, "att_1", since) is True
        assert await actuator.observe("restart", web, {}, "att_2", since) is False
        assert (await actuator.run("restart", web, {}, "att_1")).ok
    assert running_tasks(api, web) == tasks


async def test_only_a_health_check_makes_a_service_healthy(
    docker_engine: DockerEngine, docker: Watched, api: Any, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    actuator = actuator_of(docker)
    assert (await actuator.state(web)).healthy is None, "it runs, and nobody knows whether it answers"
    spec = spec_of(api, web)
    every = {"Interval": 100_000_000, "Timeout": 1_000_000_000, "Retries": 1}
    spec["TaskTemplate"]["ContainerSpec"]["Healthcheck"] = {"Test": ["CMD", "true"], **every}
    update_service(docker_engine, web.identity.swarm_service, spec)

    async def healthy() -> Any:
        return (await actuator.state(web)).healthy

    assert await eventually(healthy, deadline_seconds=20) is True


async def test_tasks_that_keep_failing_are_told(
    docker_engine: DockerEngine, docker: Watched, api: Any, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    spec = spec_of(api, web)
    spec["TaskTemplate"]["ContainerSpec"]["Command"] = ["sh", "-c", "exit 3"]
    spec["TaskTemplate"]["RestartPolicy"] = {"Condition": "any", "Delay": 100_000_000}
    update_service(docker_engine, web.identity.swarm_service, spec)
    actuator = actuator_of(docker)

    async def failed() -> Any:
        state = await actuator.state(web)
        return state if state.state is RunState.EXITED and state.exit_code == 3 else None

    state = await eventually(failed, deadline_seconds=20)
    assert (state.healthy, "exited with code 3" in state.health_detail) == (False, True)
    assert "failed: exited with code 3" in [c.detail for c in await changes(actuator, web)]


async def test_a_task_that_was_killed_to_be_replaced_has_not_crashed(
    docker_engine: DockerEngine, docker: Watched, api: Any, web: Service
) -> None:
    """The kernel keeps the first process of a container from a SIGTERM that it does not handle: the engine kills it."""
    run_service(docker_engine, web.identity.swarm_service, "v1")
    spec = spec_of(api, web)
    spec["TaskTemplate"]["ContainerSpec"]["Init"] = False
    update_service(docker_engine, web.identity.swarm_service, spec)

    def deaf() -> bool:
        rows = task_rows(api, web)
        return [task["Spec"]["ContainerSpec"].get("Init") for task in rows] == [False]

    await eventually(deaf, deadline_seconds=60)
    spec["TaskTemplate"]["ContainerSpec"]["Env"] = ["RELEASE=next"]
    update_service(docker_engine, web.identity.swarm_service, spec)
    actuator, seen = actuator_of(docker), set[RunState]()

    async def updated() -> bool:
        seen.add((await actuator.state(web)).state)
        return [task["Spec"]["ContainerSpec"].get("Env") for task in task_rows(api, web)] == [["RELEASE=next"]]

    await eventually(updated, deadline_seconds=60)
    rows = api.api.tasks(filters={"service": web.identity.swarm_service})
    assert 137 in [row["Status"]["ContainerStatus"]["ExitCode"] for row in rows]
    assert seen <= {RunState.RUNNING, RunState.STARTING}
    assert "exit" not in [change.kind for change in await changes(actuator, web)]
    assert (await actuator.state(web)).restarts == 0


@pytest.mark.parametrize("action", ["start", "restart"])
async def test_a_service_whose_swarm_replaces_nothing_is_brought_back(
    docker_engine: DockerEngine, docker: Watched, api: Any, action: str, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    spec = spec_of(api, web)
    spec["TaskTemplate"]["RestartPolicy"] = {"Condition": "none"}
    update_service(docker_engine, web.identity.swarm_service, spec)
    actuator = actuator_of(docker)

    def replaced() -> list[Any]:
        """The task of the new specification: until the swarm has replaced it, the one before is what runs."""
        rows = task_rows(api, web)
        return [task for task in rows if task["Spec"].get("RestartPolicy", {}).get("Condition") == "none"]

    (task,) = await eventually(replaced, deadline_seconds=60)
    os.kill(task["Status"]["ContainerStatus"]["PID"], signal.SIGKILL)

    async def ended() -> Any:
        return (await actuator.state(web)).state is RunState.EXITED

    await eventually(ended, deadline_seconds=20)
    assert not (await actuator.state(web)).out_of_memory
    outcome = await actuator.run(action, web, {}, "att_1")
    assert outcome.ok, outcome.detail
    assert len(running_tasks(api, web)) == 1
    assert (await actuator.run("start", web, {}, "att_2")).ok
    assert (await actuator.state(web)).state is RunState.RUNNING


async def test_logs_and_discovery_know_the_service(
    docker_engine: DockerEngine, docker: Watched, api: Any, web: Service
) -> None:
    run_service(docker_engine, web.identity.swarm_service, "v1")
    spec = spec_of(api, web)
    talk = "for i in 1 2 3 4 5; do echo line $i; done; sleep 600"
    spec["TaskTemplate"]["ContainerSpec"]["Command"] = ["sh", "-c", talk]
    spec["Labels"] = {"com.docker.stack.namespace": "shop", "quell.dependencies": "ledger"}
    update_service(docker_engine, web.identity.swarm_service, spec)
    logs = DockerLogs(docker.engine, {"web": LogTarget(swarm_service=web.identity.swarm_service)})

    async def lines() -> list[str]:
        now, found, cursor = datetime.now(UTC), list[str](), ""
        while True:
            window = Window(start=now - timedelta(minutes=2), end=now)
            page = await logs.query(LogQuery(service="web", window=window, limit=2, cursor=cursor))
            found += [line.text for line in page.lines]
            cursor = page.cursor
            if not cursor:
                return found

    async def all_lines() -> bool:
        return await lines() == [f"line {i}" for i in range(1, 6)]

    await eventually(all_lines, deadline_seconds=20)
    (service,) = await discover(docker.engine)
    assert (service.identity.swarm_service, service.dependencies) == (web.identity.swarm_service, ("ledger",))
    assert service.provenance == (f"stack shop (Swarm service {web.identity.swarm_service})",)
