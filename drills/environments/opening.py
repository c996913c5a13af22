"""An environment by the name of its kind."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from core.clock import Clock
from core.errors import UsageError
from drills.environments import Environment, EnvironmentKind
from drills.environments.processes import process_environment
from drills.environments.served import served_environment
from drills.scenario import Scenario


def open_environment(
    kind: EnvironmentKind, scenario: Scenario, seed: int | None, clock: Clock, engine_url: str = ""
) -> AbstractAsyncContextManager[Environment]:
    """A fresh environment for one drill.

    Args:
        engine_url: of a Docker Engine of this machine, where one is needed; empty starts one.

    Raises:
        UsageError: the scenario does not fit that kind.
    """
    if kind not in scenario.environments:
        fitting = ", ".join(scenario.environments)
        raise UsageError(f"{scenario.name} does not run as {kind}", fix=f"add --environment with one of: {fitting}")
    if kind is EnvironmentKind.PROCESSES:
        return process_environment(scenario, seed, clock)
    return served_environment(kind, scenario, seed, clock, engine_url)
