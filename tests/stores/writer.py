"""A process of its own that works on a store, for the tests of several processes: ``python -m tests.stores.writer``."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from core.clock import SystemClock
from core.errors import AlreadyReserved, OverBudget
from core.models import Autonomy
from core.spending import CallOutcome, Caps
from events.correlation import CorrelationSettings
from events.intake import Intake
from stores.migrate import upgrade
from stores.store import Store
from tests.stores.samples import attempt, call
from tools.inventory import Inventory

ROUNDS = 25
SHARED_CAPS = Caps(incident_usd=1.0, hour_usd=0.2, day_usd=1.0, month_usd=1.0)


def tell(line: str) -> None:
    """Hand a line to the test."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def compete(store: Store, name: str) -> dict[str, Any]:
    """Append to the audit, take turns with leases, and try to reserve the one service."""
    tokens = []
    for number in range(ROUNDS):
        async with store.write() as tx:
            await tx.audit.append(name, "count", str(number), {})
            lease = await tx.leases.acquire("inc_1", name, 60)
        if lease:
            tokens.append(lease.token)
            async with store.write() as tx:
                await tx.leases.release(lease)
    async with store.write() as tx:
        try:
            await tx.attempts.reserve(attempt(f"att_{name}", undo_of=name))
            reserved = True
        except AlreadyReserved:
            reserved = False
    return {"tokens": tokens, "reserved": reserved}


async def hang(store: Store, name: str) -> dict[str, Any]:
    """Commit one entry, write another one, say so, and never end that transaction."""
    async with store.write() as tx:
        await tx.audit.append(name, "kept", "", {})
    async with store.write() as tx:
        await tx.audit.append(name, "lost", "", {})
        tell("hanging")
        await asyncio.Event().wait()
    return {}


async def spend(store: Store, name: str) -> dict[str, Any]:
    """Reserve cents until the caps refuse, settling every other one at half; how much was taken at the end."""
    taken = 0.0
    for number in range(ROUNDS):
        made = call(f"{name}_{number}", at=SystemClock().now(), reserved_usd=0.01)
        try:
            async with store.write() as tx:
                await tx.spending.reserve(made, SHARED_CAPS)
        except OverBudget:
            continue
        taken += 0.01
        if number % 2:
            async with store.write() as tx:
                await tx.spending.settle(made.model_copy(update={"outcome": CallOutcome.ANSWERED, "cost_usd": 0.005}))
            taken -= 0.005
    return {"taken": round(taken, 6)}


async def drain(store: Store, name: str) -> dict[str, Any]:
    """Take in what is in the inbox."""
    intake = Intake(store, Inventory(()), SystemClock(), CorrelationSettings(), autonomy=Autonomy.PROPOSE)
    return {"opened": await intake.drain()}


async def main(work: str, url: str, name: str) -> None:
    if work == "migrate":
        await upgrade(url)
        return
    store = await Store.open(url, SystemClock())
    result = await {"compete": compete, "hang": hang, "drain": drain, "spend": spend}[work](store, name)
    await store.close()
    tell(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
