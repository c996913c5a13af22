"""Faults, caused from outside or by configuration: signals, traffic, a release. The shop has no switch for any."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from signal import Signals

import httpx

from core.models import FaultKind
from drills.environments import Environment
from drills.shop.roles import Role
from drills.shop.topology import NEXT_RELEASE, SHOP

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Injector:
    """How one kind of fault is caused.

    Attributes:
        inject: causes it at the target with the parameters of the scenario.
        targets: roles that can have it.
        parameters: names that a scenario may give.
    """

    description: str
    inject: Callable[[Environment, Role, Parameters], Awaitable[None]]
    targets: tuple[Role, ...] = tuple(Role)
    parameters: tuple[str, ...] = ()


async def crash(environment: Environment, target: Role, parameters: Parameters) -> None:
    """Kill the process, as the kernel does when memory runs out."""
    await environment.signal(target, Signals.SIGKILL)


async def hang(environment: Environment, target: Role, parameters: Parameters) -> None:
    """Stop the process where it stands: the port stays open, nothing answers."""
    await environment.signal(target, Signals.SIGSTOP)


async def wedge(environment: Environment, target: Role, parameters: Parameters) -> None:
    """Send requests with a page size of zero through the gateway until every worker of the catalogue spins on one.

    Customers take workers too, so that more requests are sent than there are workers; what finds none is turned away.
    """
    requests = int(parameters.get("requests", 2 * SHOP[target].workers))
    async with httpx.AsyncClient(base_url=environment.gateway_url, timeout=5.0, trust_env=False) as client:
        poison = [client.get("/products", params={"page": 0, "per_page": 0}) for _ in range(requests)]
        await asyncio.gather(*poison, return_exceptions=True)


async def bad_release(environment: Environment, target: Role, parameters: Parameters) -> None:
    """Roll out the next release, whose configuration lacks what most requests need."""
    await environment.deploy(target, parameters.get("release", NEXT_RELEASE))


INJECTORS: Mapping[FaultKind, Injector] = {
    FaultKind.CRASH: Injector("SIGKILL", crash),
    FaultKind.HANG: Injector("SIGSTOP", hang),
    FaultKind.CPU_SATURATION: Injector(
        "poison requests that workers never finish", wedge, targets=(Role.CATALOGUE,), parameters=("requests",)
    ),
    FaultKind.BAD_RELEASE: Injector(
        "a release with a broken configuration", bad_release, targets=(Role.ORDERS,), parameters=("release",)
    ),
}
