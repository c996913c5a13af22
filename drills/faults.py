"""Faults, caused from outside or by configuration: signals, traffic, a release. The shop has no switch for any."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from signal import Signals
from typing import Any

import httpx

from core.errors import ActuatorError
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
        lasting: it goes on beside everything else until the target is a new process.
        parameters: names that a scenario may give.
    """

    description: str
    inject: Callable[[Environment, Role, Parameters], Coroutine[Any, Any, None]]
    targets: tuple[Role, ...] = tuple(Role)
    parameters: tuple[str, ...] = ()
    lasting: bool = False


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


async def slow_link(environment: Environment, target: Role, parameters: Parameters) -> None:
    """Let the network between the target and one service that it calls be slow; both are well."""
    environment.delay(float(parameters.get("delay_seconds", DELAY_SECONDS)))


async def fill_memory(environment: Environment, target: Role, parameters: Parameters) -> None:
    """Fill carts with long notes, a new customer's each time, until the cache that keeps them is out of memory.

    Raises:
        ActuatorError: the cache had room for all of them.
    """
    before = (await environment.state(target)).pid
    item = {"product": "p00", "price_cents": 199, "note": "x" * NOTE_CHARACTERS}
    async with httpx.AsyncClient(base_url=environment.gateway_url, timeout=5.0, trust_env=False) as client:
        for batch in range(MAX_NOTES // NOTES_AT_ONCE):
            users = (f"guest-{batch}-{number}" for number in range(NOTES_AT_ONCE))
            await asyncio.gather(*(client.post(f"/cart/{u}", json=item) for u in users), return_exceptions=True)
            if (await environment.state(target)).pid != before:
                return
    raise ActuatorError(
        f"{environment.names[target]} kept {MAX_NOTES} notes of {NOTE_CHARACTERS} characters",
        fix="give its container a limit of memory",
    )


async def leak(environment: Environment, target: Role, parameters: Parameters) -> None:
    """Order with very long notes, a new customer's each time, until the service that keeps them is a new process.

    Few customers do so, since more traffic would explain more memory.
    """
    before = (await environment.state(target)).pid
    async with httpx.AsyncClient(base_url=environment.gateway_url, timeout=5.0, trust_env=False) as client:
        for number in range(MAX_NOTES):
            order = client.post(f"/checkout/writer-{number}", json={"country": "DE", "note": "x" * LEAK_CHARACTERS})
            await asyncio.gather(order, asyncio.sleep(LEAK_GAP_SECONDS), return_exceptions=True)
            if (await environment.state(target)).pid != before:
                return


DELAY_SECONDS = 0.7
"""Below the time after which callers give up, above what customers take for fast."""

LEAK_CHARACTERS = 500_000
LEAK_GAP_SECONDS = 0.5
"""1 MB a second: a minute from rest to the limit of a container."""

NOTE_CHARACTERS = 400_000
NOTES_AT_ONCE = 4
MAX_NOTES = 2000

INJECTORS: Mapping[FaultKind, Injector] = {
    FaultKind.CRASH: Injector("SIGKILL", crash),
    FaultKind.HANG: Injector("SIGSTOP", hang),
    FaultKind.CPU_SATURATION: Injector(
        "poison requests that workers never finish", wedge, targets=(Role.CATALOGUE,), parameters=("requests",)
    ),
    FaultKind.BAD_RELEASE: Injector(
        "a release with a broken configuration", bad_release, targets=(Role.ORDERS,), parameters=("release",)
    ),
    FaultKind.NETWORK_DELAY: Injector(
        "a proxy on the way to a dependency that passes on late",
        slow_link,
        targets=(Role.ORDERS, Role.CATALOGUE),
        parameters=("dependency", "delay_seconds"),
    ),
    FaultKind.MEMORY_LEAK: Injector(
        "customers with very long notes, all of which are kept", leak, targets=(Role.PAYMENT,), lasting=True
    ),
    FaultKind.MEMORY_LIMIT: Injector("carts with notes of unlimited length", fill_memory, targets=(Role.CACHE,)),
}
