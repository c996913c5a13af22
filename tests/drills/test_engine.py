"""The shop on a Docker Engine: what an environment makes there is gone afterwards, however the drill ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
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
from drills.environments.opening import open_environment
from drills.environments.served import ServedEnvironment, served_environment
from drills.scenario import find_scenario
from drills.shop.roles import Role
from drills.shop.topology import NEXT_RELEASE, names
from tests.drills.test_spans import receiving
from tests.servers.docker import DockerEngine
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


@pytest.mark.slow
@KINDS
async def test_services_on_an_engine_send_their_spans_to_quell(
    kind: EnvironmentKind, docker_engine: DockerEngine
) -> None:
    """Quell listens on loopback only; what answers here in its place tells what reaches it, and with which token."""
    async with served_environment(kind, find_scenario("crash"), SEED, SystemClock(), docker_engine.url) as environment:
        with receiving(environment.ports.api) as quell:
            await environment.start_shop()
            await checkout_seconds(environment)
            callers = {environment.names[role] for role in Role if role is not Role.CATALOGUE}
            await eventually(lambda: {span.service for span in quell.spans} >= callers, deadline_seconds=60)
            assert set(quell.asked) == {("/v1/traces", f"Bearer {environment.token}")}


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
