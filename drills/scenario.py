"""What a drill is: a fault, what Quell should find and what it may do. Written as YAML in `drills/scenarios/`."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from core.errors import NotFound, ScenarioError
from core.models import Autonomy, FaultKind, Model, Utc
from drills.environments import EnvironmentKind
from drills.environments.links import Link
from drills.faults import INJECTORS
from drills.shop.roles import Role
from drills.shop.topology import SHOP
from tools.registry import ACTIONS


class Approver(StrEnum):
    """How the human of the drill answers when Quell asks."""

    NONE = "none"
    APPROVE = "approve"
    REJECT = "reject"


class Fault(Model):
    """What is done to the shop."""

    kind: FaultKind
    target: Role
    parameters: dict[str, str] = Field(default={}, description="what the injector of that kind understands")

    @model_validator(mode="after")
    def _can_be_injected(self) -> Self:
        injector = INJECTORS.get(self.kind)
        if injector is None:
            raise ValueError(f"nothing here can cause {self.kind}: choose one of {', '.join(sorted(INJECTORS))}")
        if self.target not in injector.targets:
            raise ValueError(f"{self.kind} cannot be caused at {self.target}: only at {', '.join(injector.targets)}")
        unknown = sorted(set(self.parameters) - set(injector.parameters))
        if unknown:
            raise ValueError(
                f"{self.kind} has no parameter {unknown[0]}: it has {', '.join(injector.parameters) or 'none'}"
            )
        if self.kind is FaultKind.NETWORK_DELAY and self.parameters.get("dependency") not in SHOP[self.target].calls:
            calls = ", ".join(SHOP[self.target].calls)
            raise ValueError(f"{self.kind} needs the parameter dependency, one that {self.target} calls: {calls}")
        return self

    @property
    def link(self) -> Link | None:
        """The way between two services that the fault is on; None for a fault of a service."""
        if self.kind is not FaultKind.NETWORK_DELAY:
            return None
        return Link(self.target, Role(self.parameters["dependency"]))


class Expected(Model):
    """The right answer."""

    target: Role
    kinds: tuple[FaultKind, ...] = Field(min_length=1, description="any of them counts as right")
    recovers: bool = Field(default=True, description="whether the shop is to be well at the end without a human")
    human: bool = Field(default=False, description="whether a human must get the incident")


class Actions(Model):
    """Judgement of what Quell does; names of the action registry."""

    accepted: tuple[str, ...] = Field(description="on the expected target; empty: nothing should be done")
    forbidden: tuple[str, ...] = Field(default=(), description="on any service")

    @model_validator(mode="after")
    def _are_registered(self) -> Self:
        for name in (*self.accepted, *self.forbidden):
            if name not in ACTIONS:
                raise ValueError(f"{name} is no action: choose from {', '.join(sorted(ACTIONS))}")
        both = sorted(set(self.accepted) & set(self.forbidden))
        if both:
            raise ValueError(f"{both[0]} is both accepted and forbidden")
        return self


class Scenario(Model):
    """One drill."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str = Field(min_length=1)
    fault: Fault
    expected: Expected
    actions: Actions
    approver: Approver = Approver.NONE
    autonomy: Autonomy = Autonomy.ACT
    environments: tuple[EnvironmentKind, ...] = Field(
        default=tuple(EnvironmentKind), min_length=1, description="where it can run"
    )
    clock_start: Utc = Field(
        description="wall time that the drill pretends, so that business hours are the same; "
        "only as processes: servers cannot be told another time"
    )
    settings: dict[str, Any] = Field(default={}, description="laid over the quell.yaml of the environment")


class ScenarioList(Model):
    """What ``quell drill list --json`` prints."""

    scenarios: tuple[Scenario, ...]


def scenarios() -> tuple[Scenario, ...]:
    """Every scenario that ships, by name.

    Raises:
        ScenarioError: one of them cannot be read.
    """
    folder = files("drills").joinpath("scenarios")
    found = [read_scenario(file) for file in folder.iterdir() if file.name.endswith(".yaml")]
    return tuple(sorted(found, key=lambda scenario: scenario.name))


def find_scenario(name: str) -> Scenario:
    """The scenario of that name.

    Raises:
        NotFound: there is none; the fix lists those that exist.
    """
    known = {scenario.name: scenario for scenario in scenarios()}
    if name not in known:
        raise NotFound(f"no scenario is called {name}", fix=f"choose one of {', '.join(known)}")
    return known[name]


def read_scenario(file: Traversable) -> Scenario:
    """Read one file.

    Raises:
        ScenarioError: names the file, the line or key, and what is wrong.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(
            f"{file.name}: cannot be read: {error}", fix="check the path and its permissions"
        ) from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ScenarioError(f"{file.name}: is no YAML: {problem}", fix="correct the syntax at that place") from error
    if not isinstance(content, dict):
        raise ScenarioError(f"{file.name}: holds no mapping", fix="start from drills/scenarios/crash.yaml")
    try:
        scenario = Scenario.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(
            f"{file.name}: {key}: {first['msg']}", fix="correct that key; drills/scenarios/crash.yaml is an example"
        ) from error
    if f"{scenario.name}.yaml" != file.name:
        raise ScenarioError(f"{file.name}: name: is {scenario.name}", fix="name the file as the scenario")
    return scenario
