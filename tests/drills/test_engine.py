"""The shop on a Docker Engine: what an environment makes there is gone afterwards, however the drill ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml

from app.settings import Settings
from core.clock import SystemClock
from core.errors import ActuatorError, SourceUnavailable, UsageError
from core.models import RunState
from drills.environments import EnvironmentKind
from drills.environments.configuration import as_served, configuration
from drills.environments.engine import LOCK_SECONDS
from drills.environments.opening import open_environment
from drills.environments.served import ServedEnvironment, served_environment
from drills.scenario import find_scenario
from drills.shop.roles import Role
from drills.shop.topology import NEXT_RELEASE, names
from tests.drills.test_environment import alive
from tests.servers.docker import DockerEngine
from tests.servers.process import binary
from tests.support import eventually

SEED = 7
KINDS = pytest.mark.parametrize("kind", [EnvironmentKind.DOCKER, EnvironmentKind.SWARM])


async def left_on(engine: DockerEngine, project: str) -> list[str]:
    """What a drill left on an engine: names of containers, services, networks and images."""

    def look() -> list[str]:
        with contextlib.closing(engine.api) as api:
            things = [*api.containers.list(all=True), *api.services.list(), *api.networks.list()]
            images = [tag for image in api.images.list() for tag in image.tags]
        return [name for name in [*(each.name for each in things), *images] if project in name]

    return await asyncio.to_thread(look)


@pytest.mark.slow
@KINDS
async def test_a_shop_on_an_engine_leaves_nothing(kind: EnvironmentKind, docker_engine: DockerEngine) -> None:
    scenario, url = find_scenario("slow-dependency"), docker_engine.url
    async with served_environment(kind, scenario, SEED, SystemClock(), url) as environment:
        await environment.start_shop()
        project = environment.plan.project
        assert len([name for name in await left_on(docker_engine, project) if "/" in name]) == len(Role)
        quick = await checkout_seconds(environment)
        environment.delay(0.5)
        assert await checkout_seconds(environment) >= 0.5 > quick
        before = await environment.state(Role.ORDERS)
        await environment.deploy(Role.ORDERS, NEXT_RELEASE)
        after = await environment.state(Role.ORDERS)
        assert (before.release, after.release) == ("1.0.0", NEXT_RELEASE)
        assert after.state is RunState.RUNNING
        await environment.signal(Role.PAYMENT, signal.SIGKILL)
        await eventually(partial(ended, environment, Role.PAYMENT))
        with pytest.raises(ActuatorError, match="no process"):
            await environment.signal(Role.PAYMENT, signal.SIGKILL)
    assert await left_on(docker_engine, project) == []


async def checkout_seconds(environment: ServedEnvironment) -> float:
    """How long a customer waits for an order."""
    async with httpx.AsyncClient(base_url=environment.gateway_url, trust_env=False) as client:
        answer = await client.post("/checkout/u1", json={"country": "DE"})
    assert answer.is_success, answer.text
    return answer.elapsed.total_seconds()


async def ended(environment: ServedEnvironment, role: Role) -> bool:
    """Whether nothing of it runs."""
    return (await environment.state(role)).state is RunState.EXITED


async def test_what_quell_is_told_names_each_service_on_the_engine(tmp_path: Path) -> None:
    called = names(SEED)
    identities = {role: {"container": f"c-{called[role]}", "prometheus": {"service": called[role]}} for role in Role}
    surroundings = as_served("unix:///run/e.sock", "http://127.0.0.1:1")
    written = configuration(called, 8420, "t" * 32, find_scenario("hang").autonomy, surroundings, {}, identities)
    (tmp_path / "quell.yaml").write_text(yaml.safe_dump(written))
    settings = Settings.load(tmp_path / "quell.yaml")
    assert settings.prometheus.url == "http://127.0.0.1:1"
    assert settings.docker.url == "unix:///run/e.sock"
    assert {service.identity.container for service in settings.services} == {f"c-{name}" for name in called.values()}
    assert settings.watch.interval_seconds >= 3600, "alerts come from the Alertmanager"
    assert settings.processes == ()


async def test_an_engine_that_does_not_answer_is_told() -> None:
    opened = served_environment(
        EnvironmentKind.DOCKER, find_scenario("hang"), None, SystemClock(), "unix:///nowhere/docker.sock"
    )
    with pytest.raises(SourceUnavailable, match=r"no Docker Engine answers at unix:///nowhere.*--engine"):
        async with opened:
            raise AssertionError("unreachable")


def test_a_scenario_runs_only_where_it_fits() -> None:
    with pytest.raises(UsageError, match="docker, swarm"):
        open_environment(EnvironmentKind.PROCESSES, find_scenario("memory-growth"), None, SystemClock())


SCRIPT = textwrap.dedent(
    """
    import asyncio
    from signal import SIGSTOP
    from core.clock import SystemClock
    from drills.environments import EnvironmentKind
    from drills.environments.opening import open_environment
    from drills.scenario import find_scenario
    from drills.shop.roles import Role

    async def main():
        kind = EnvironmentKind.DOCKER
        async with open_environment(kind, find_scenario("hang"), None, SystemClock()) as environment:
            await environment.start_shop()
            await environment.start_quell()
            await environment.signal(Role.PAYMENT, SIGSTOP)
            pids = [str((await environment.state(role)).pid) for role in Role]
            print(environment.folder, *pids, flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
    """
)


@pytest.mark.slow
@pytest.mark.timeout(LOCK_SECONDS + 240)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_the_own_engine_and_its_containers_end_with_the_drill(number: signal.Signals, tmp_path: Path) -> None:
    needed = ("dockerd", "docker.io"), ("prometheus", "prometheus"), ("prometheus-alertmanager",) * 2
    for program, package in needed:
        binary(program, package=package)
    if os.geteuid() != 0:
        pytest.skip("dockerd needs root")
    drill = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", SCRIPT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    try:
        folder, services = await started(drill)
        assert len(services) == len(Role)
        assert len(naming(folder)) >= len(Role) + 4, "dockerd, containerd, a shim a container, Prometheus, Alertmanager"
        drill.send_signal(number)
        await asyncio.wait_for(drill.communicate(), 60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            drill.kill()
        await drill.wait()
    await eventually(lambda: not any(alive(pid) for pid in services), deadline_seconds=30)
    await eventually(lambda: not naming(folder), deadline_seconds=30)
    left = await asyncio.to_thread(Path(folder).exists)
    shutil.rmtree(folder, ignore_errors=True)
    assert left == (number is signal.SIGKILL), "only a killed drill cannot remove its folder"


async def started(drill: asyncio.subprocess.Process) -> tuple[str, list[int]]:
    """Folder of the drill and processes of its services, once they run; a drill may wait for another one's engine."""
    assert drill.stdout is not None
    assert drill.stderr is not None
    told = (await asyncio.wait_for(drill.stdout.readline(), LOCK_SECONDS + 60)).decode().split()
    assert told, (await drill.stderr.read()).decode()
    return told[0], [int(pid) for pid in told[1:]]


def naming(folder: str) -> list[int]:
    """Processes whose command line names a folder."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and folder.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
