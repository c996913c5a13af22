"""Containers of a real engine: what is seen, what a rollback keeps, and what is left to the engine."""

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
from structlog.testing import capture_logs

from clients.docker.actuator import DockerActuator
from clients.docker.discovery import discover
from clients.docker.journal import EngineAction
from core.clock import ShiftedClock, SystemClock
from core.errors import ActuatorError, SourceUnavailable
from core.models import Change, Identity, RunState, Service, Window
from tests.clients.docker.world import Watched, run_container, watching
from tests.servers.docker import IMAGE, DockerEngine, host_binds, import_image
from tests.support import eventually

pytestmark = pytest.mark.slow


class Crash(BaseException):
    """The end of a process, as nothing catches it."""


@pytest.fixture
def payment() -> Service:
    """A service of a name of its own: the engine remembers events of the tests before."""
    return Service(name="payment", identity=Identity(container=f"payment-{uuid4().hex[:8]}"))


@pytest.fixture
async def docker(docker_engine: DockerEngine, tmp_path: Path) -> AsyncIterator[Watched]:
    async with watching(docker_engine, tmp_path / "docker.jsonl") as watched:
        yield watched


@pytest.fixture
def api(docker_engine: DockerEngine) -> Iterator[Any]:
    with contextlib.closing(docker_engine.api) as made:
        yield made


def actuator_of(docker: Watched, **options: Any) -> DockerActuator:
    return DockerActuator(docker.engine, docker.watch, SystemClock(), **options)


async def changes(actuator: DockerActuator, payment: Service) -> list[Change]:
    now = datetime.now(UTC)
    window = Window(start=now - timedelta(minutes=5), end=now + timedelta(seconds=1))
    return list(await actuator.changes(payment, window))


async def state_is(actuator: DockerActuator, payment: Service, state: RunState) -> bool:
    return (await actuator.state(payment)).state is state


async def test_exits_are_told_with_their_signal(
    docker_engine: DockerEngine, docker: Watched, api: Any, payment: Service
) -> None:
    run_container(docker_engine, payment.identity.container, "v1")
    actuator = actuator_of(docker)
    api.containers.get(payment.identity.container).kill()
    await eventually(lambda: state_is(actuator, payment, RunState.EXITED))
    state = await actuator.state(payment)
    assert (state.exit_code, state.health_detail) == (-signal.SIGKILL, "killed by SIGKILL")
    assert [(c.kind, c.detail) for c in await changes(actuator, payment)] == [
        ("start", ""),
        ("exit", "killed by SIGKILL"),
    ]


async def test_a_container_that_is_gone_is_missing(docker: Watched, payment: Service) -> None:
    actuator = actuator_of(docker)
    assert (await actuator.state(payment)).state is RunState.MISSING
    with pytest.raises(ActuatorError) as raised:
        await actuator.run("restart", payment, {}, "att_1")
    assert raised.value.fix


async def test_out_of_memory_is_named_with_the_limit(
    docker_engine: DockerEngine, docker: Watched, payment: Service
) -> None:
    eater = ["sh", "-c", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"]
    run_container(docker_engine, payment.identity.container, "v1", command=eater, mem_limit="16m", memswap_limit="16m")
    actuator = actuator_of(docker)
    await eventually(lambda: state_is(actuator, payment, RunState.EXITED))
    state = await actuator.state(payment)
    assert "out of memory (limit 16 MiB)" in state.health_detail
    assert (await changes(actuator, payment))[-1].detail.startswith("out of memory")


async def test_health_cpu_and_memory_are_read(docker_engine: DockerEngine, docker: Watched, payment: Service) -> None:
    check = {"test": ["CMD", "test", "-e", "/tmp/well"], "interval": 200_000_000, "retries": 1}
    busy = ["sh", "-c", "while :; do :; done"]
    run_container(
        docker_engine, payment.identity.container, "v1", command=busy, healthcheck=check, nano_cpus=500_000_000
    )
    actuator = actuator_of(docker)
    state = await eventually(lambda: _when_unhealthy(actuator, payment))
    assert state.state is RunState.RUNNING
    assert state.cpu_percent is not None
    assert 20 < state.cpu_percent < 90
    assert 0 < (state.memory_bytes or 0) < 50_000_000
    outcome = await actuator.run("restart", payment, {}, "att_1")
    assert (outcome.ok, "health check fails" in outcome.detail) == (False, True)


async def _when_unhealthy(actuator: DockerActuator, payment: Service) -> Any:
    state = await actuator.state(payment)
    return state if state.healthy is False else None


async def test_a_paused_container_is_suspended_and_a_restart_frees_it(
    docker_engine: DockerEngine, docker: Watched, api: Any, payment: Service
) -> None:
    run_container(docker_engine, payment.identity.container, "v1")
    api.containers.get(payment.identity.container).pause()
    actuator = actuator_of(docker)
    assert await state_is(actuator, payment, RunState.SUSPENDED)
    assert (await actuator.run("restart", payment, {}, "att_1")).ok
    assert await state_is(actuator, payment, RunState.RUNNING)


async def test_the_engines_own_restart_is_not_raced(
    docker_engine: DockerEngine, docker: Watched, api: Any, payment: Service
) -> None:
    run_container(docker_engine, payment.identity.container, "v1", restart_policy={"Name": "unless-stopped"})
    actuator = actuator_of(docker)
    reserved = datetime.now(UTC)
    os.kill(api.containers.get(payment.identity.container).attrs["State"]["Pid"], signal.SIGKILL)

    async def restarted_by_engine() -> datetime | None:
        state = await actuator.state(payment)
        return state.started_at if state.started_at and state.started_at > reserved else None

    restarted = await eventually(restarted_by_engine)
    assert await actuator.observe("restart", payment, {}, "att_1", reserved) is True
    outcome = await actuator.run("restart", payment, {}, "att_1")
    assert outcome.ok
    assert "restart policy (unless-stopped)" in outcome.detail
    state = await actuator.state(payment)
    assert (state.started_at, state.restarts) == (restarted, 1)
    assert "restart" not in [c.kind for c in await changes(actuator, payment)]


async def test_a_crash_loop_is_told(docker_engine: DockerEngine, docker: Watched, payment: Service) -> None:
    dying = ["sh", "-c", "exit 3"]
    run_container(docker_engine, payment.identity.container, "v1", command=dying, restart_policy={"Name": "always"})
    actuator = actuator_of(docker)
    state = await eventually(lambda: _restarting(actuator, payment))
    assert (state.state, state.exit_code) == (RunState.EXITED, 3)


async def _restarting(actuator: DockerActuator, payment: Service) -> Any:
    state = await actuator.state(payment)
    return state if state.restarts >= 2 and "the engine is restarting it" in state.health_detail else None


async def test_a_rollback_keeps_every_option_and_takes_the_images_defaults(
    docker_engine: DockerEngine, docker: Watched, api: Any, payment: Service
) -> None:
    back, front = api.networks.create("back"), api.networks.create("front")
    run_container(docker_engine, payment.identity.container, "v1")
    run_container(
        docker_engine,
        payment.identity.container,
        "v2",
        environment={"COLOUR": "red"},
        labels={"team": "checkout"},
        user="65534",
        read_only=True,
        cap_drop=["ALL"],
        mem_limit="64m",
        network="back",
        ports={"8080/tcp": ("127.0.0.1", 0)},
        volumes=[*host_binds(), "/data"],
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 3},
    )
    front.connect(payment.identity.container, aliases=["pay"])
    before = api.containers.get(payment.identity.container).attrs
    outcome = await actuator_of(docker).run("rollback", payment, {}, "att_1")
    assert (outcome.ok, outcome.before, outcome.after) == (True, "v2", "v1"), outcome.detail

    after = api.containers.get(payment.identity.container).attrs
    assert after["Id"] != before["Id"]
    for option in ("User", "Cmd"):
        assert after["Config"][option] == before["Config"][option]
    for option in ("ReadonlyRootfs", "CapDrop", "Memory", "RestartPolicy", "PortBindings", "NetworkMode"):
        assert after["HostConfig"][option] == before["HostConfig"][option]
    assert {"COLOUR=red", "RELEASE=v1"} <= set(after["Config"]["Env"])
    assert "RELEASE=v2" not in after["Config"]["Env"]
    assert after["Config"]["Labels"] == {"team": "checkout", "quell.action": "att_1"}
    volumes = [{m["Name"] for m in told["Mounts"] if m["Type"] == "volume"} for told in (before, after)]
    assert volumes[0] == volumes[1] != set()
    networks = after["NetworkSettings"]["Networks"]
    assert set(networks) == {"back", "front"}
    assert "pay" in networks["front"]["Aliases"]
    assert [c.name for c in api.containers.list(all=True)] == [payment.identity.container]
    front.disconnect(payment.identity.container)
    back.disconnect(payment.identity.container)


async def test_a_tag_that_has_moved_on_is_rolled_back_by_its_image(
    docker_engine: DockerEngine, docker: Watched, api: Any, payment: Service
) -> None:
    first = import_image(api, "latest", "quell.test/moving", labels={"org.opencontainers.image.version": "1.0"})
    options = {"command": ["sleep", "600"], "volumes": host_binds(), "stop_signal": "SIGKILL"}
    old = api.containers.run("quell.test/moving:latest", name=payment.identity.container, detach=True, **options)
    actuator = actuator_of(docker)
    assert (await actuator.state(payment)).release == "1.0"
    import_image(api, "latest", "quell.test/moving", labels={"org.opencontainers.image.version": "1.1"})
    old.remove(force=True)
    api.containers.run("quell.test/moving:latest", name=payment.identity.container, detach=True, **options)
    assert [(c.before, c.after) for c in await changes(actuator, payment) if c.kind == "deploy"] == [("1.0", "1.1")]
    outcome = await actuator.run("rollback", payment, {}, "att_1")
    assert (outcome.ok, outcome.before, outcome.after) == (True, "1.1", "1.0")
    assert api.containers.get(payment.identity.container).attrs["Image"] == first
    assert (await actuator.state(payment)).release == "1.0"


async def test_a_release_that_does_not_stay_up_gives_way_to_the_one_before(
    docker_engine: DockerEngine, docker: Watched, api: Any, payment: Service
) -> None:
    only_v2 = ["sh", "-c", 'test "$RELEASE" = v2 && sleep 600']
    run_container(docker_engine, payment.identity.container, "v2", command=only_v2)
    outcome = await actuator_of(docker).run("rollback", payment, {"release": "v1"}, "att_1")
    assert not outcome.ok
    assert "v2 is back" in outcome.detail
    (container,) = api.containers.list(all=True)
    assert (container.name, container.status) == (payment.identity.container, "running")
    assert container.attrs["Config"]["Image"] == f"{IMAGE}:v2"


@pytest.mark.parametrize(("parameters", "says"), [({}, "not known"), ({"release": "v9"}, "v9 is not known")])
async def test_a_rollback_to_nowhere_changes_nothing(
    docker_engine: DockerEngine, docker: Watched, api: Any, parameters: dict[str, str], says: str, payment: Service
) -> None:
    identity = run_container(docker_engine, payment.identity.container, "v1")
    with pytest.raises(ActuatorError) as raised:
        await actuator_of(docker).run("rollback", payment, parameters, "att_1")
    assert says in raised.value.message
    assert [c.id for c in api.containers.list(all=True)] == [identity]


@pytest.mark.parametrize("calls", range(1, 6))
async def test_a_rollback_cut_short_by_a_crash_is_completed_by_the_next_quell(
    docker_engine: DockerEngine, tmp_path: Path, api: Any, monkeypatch: pytest.MonkeyPatch, calls: int, payment: Service
) -> None:
    """The first Quell dies before its n-th change: create, stop, rename, rename, start."""
    run_container(docker_engine, payment.identity.container, "v1")
    run_container(docker_engine, payment.identity.container, "v2")
    since = datetime.now(UTC)
    async with watching(docker_engine, tmp_path / "first.jsonl") as first:
        left = calls

        def dying(step: Any) -> Any:
            async def do(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                left -= 1
                if left == 0:
                    raise Crash
                return await step(*arguments, **named)

            return do

        for step in ("create", "stop", "rename", "start"):
            monkeypatch.setattr(first.engine, step, dying(getattr(first.engine, step)))
        with pytest.raises(Crash):
            await actuator_of(first).run("rollback", payment, {}, "att_1")
    async with watching(docker_engine, tmp_path / "first.jsonl") as second:
        actuator = actuator_of(second)
        assert await actuator.observe("rollback", payment, {}, "att_1", since) is False
        outcome = await actuator.run("rollback", payment, {}, "att_1")
        assert (outcome.ok, outcome.after) == (True, "v1")
        assert [(c.name, c.status) for c in api.containers.list(all=True)] == [(payment.identity.container, "running")]
        assert await actuator.observe("rollback", payment, {}, "att_1", since) is True


async def test_an_engine_that_dies_within_an_action_is_waited_for(
    docker_engine: DockerEngine, docker: Watched, api: Any, payment: Service
) -> None:
    run_container(docker_engine, payment.identity.container, "v1", restart_policy={"Name": "unless-stopped"})
    before = (await actuator_of(docker).state(payment)).started_at
    docker_engine.kill()
    actuator = actuator_of(docker)
    with pytest.raises(SourceUnavailable):
        await actuator.state(payment)
    assert not (await actuator.status()).reachable
    # The engine died right after the plan was made and put on record.
    now = datetime.now(UTC)
    docker.watch.record(
        EngineAction(key="att_1", action="restart", subject=f"container/{payment.identity.container}", begun_at=now)
    )
    with capture_logs() as logged:
        running = asyncio.create_task(actuator.run("restart", payment, {}, "att_1"))
        await eventually(lambda: [entry for entry in logged if entry["event"] == "engine_away_during_action"])
    docker_engine.start()
    outcome = await running
    assert outcome.ok
    state = await actuator.state(payment)
    assert state.started_at is not None
    assert before is not None
    assert state.started_at > before


async def test_a_clock_that_differs_is_allowed_for(
    docker_engine: DockerEngine, tmp_path: Path, payment: Service
) -> None:
    run_container(docker_engine, payment.identity.container, "v1")
    clock = ShiftedClock(datetime(2026, 3, 3, 12, 0, tzinfo=UTC))
    async with watching(docker_engine, tmp_path / "docker.jsonl", clock) as watched:
        actuator = DockerActuator(watched.engine, watched.watch, clock)
        since = clock.now()
        assert (await actuator.run("restart", payment, {}, "att_1")).ok
        state = await actuator.state(payment)
        assert state.started_at is not None
        assert since < state.started_at < clock.now()
        window = Window(start=since, end=clock.now() + timedelta(seconds=1))
        assert [c.kind for c in await actuator.changes(payment, window)] == ["restart"]
        assert "off" in (await actuator.status()).detail


async def test_running_containers_become_services(
    docker_engine: DockerEngine, docker: Watched, payment: Service
) -> None:
    run_container(docker_engine, payment.identity.container, "v1", labels={"quell.dependencies": "ledger"})
    (service,) = await discover(docker.engine)
    assert (service.identity.container, service.dependencies) == (payment.identity.container, ("ledger",))
    assert service.provenance == (f"container {payment.identity.container}",)
