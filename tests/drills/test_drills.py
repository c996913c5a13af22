"""Whole drills: a real shop, a real fault, the real Quell. Each scenario once an environment, under names unknown."""

from __future__ import annotations

import random

import pytest
from _pytest.mark import ParameterSet

from core.clock import SystemClock
from drills.environments import EnvironmentKind
from drills.results import Score
from drills.runner import run_scenario
from drills.scenario import find_scenario, scenarios
from tests.servers.docker import DockerEngine
from tests.servers.process import binary

SEED = random.SystemRandom().randrange(10_000)


def fitting(kind: EnvironmentKind) -> list[str]:
    """Names of the scenarios that run there."""
    return [scenario.name for scenario in scenarios() if kind in scenario.environments]


ALWAYS = {("crash", EnvironmentKind.DOCKER), ("bad-release", EnvironmentKind.SWARM)}
"""Drills on an engine that `make test` runs; a minute each, so that the others are left to `make test-drills`."""


def on_an_engine() -> list[ParameterSet]:
    """Every scenario in both environments of an engine."""
    return [
        pytest.param(name, kind, marks=[] if (name, kind) in ALWAYS else [pytest.mark.exhaustive])
        for kind in (EnvironmentKind.DOCKER, EnvironmentKind.SWARM)
        for name in fitting(kind)
    ]


async def drill(name: str, kind: EnvironmentKind, engine_url: str = "") -> Score:
    """Run it once."""
    command = f"quell drill run {name} --environment {kind} --rename {SEED}"
    print(f"run it again with: {command}")  # noqa: T201  # pytest shows it when the test fails, however it fails
    score = await run_scenario(find_scenario(name), SystemClock(), kind=kind, engine_url=engine_url, seed=SEED)
    assert score.passed, score.model_dump_json(indent=2)
    return score


@pytest.mark.drill
@pytest.mark.slow
@pytest.mark.parametrize("name", fitting(EnvironmentKind.PROCESSES))
async def test_quell_finds_and_heals(name: str) -> None:
    await drill(name, EnvironmentKind.PROCESSES)


@pytest.mark.drill
@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), on_an_engine())
async def test_quell_finds_and_heals_on_an_engine(
    name: str, kind: EnvironmentKind, docker_engine: DockerEngine
) -> None:
    binary("prometheus", package="prometheus")
    binary("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")
    score = await drill(name, kind, docker_engine.url)
    assert score.environment == kind
