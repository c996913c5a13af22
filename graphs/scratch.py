"""Runs that must leave no trace: a store of their own in a temporary folder, and a remedy that only looks."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from langgraph.checkpoint.memory import InMemorySaver

from core.clock import Clock
from core.errors import Conflict
from core.models import (
    Alert,
    Attempt,
    Autonomy,
    Effect,
    GuardFacts,
    Incident,
    Proposal,
    Recovery,
    Verdict,
    Verification,
)
from graphs.context import IncidentContext
from graphs.incident import build_incident_graph
from graphs.runner import IncidentRunner
from remediation.guardrails import judge
from stores.checkpoints import serializer
from stores.leases import Lease
from stores.migrate import upgrade
from stores.store import Store

LEASE_SECONDS = 86_400.0
"""Nobody else can want an incident in a scratch store."""


@asynccontextmanager
async def scratch_store(clock: Clock, incident: Incident, alerts: Sequence[Alert]) -> AsyncIterator[Store]:
    """A new store that holds one incident; it is deleted at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="quell-scratch-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'scratch.db'}"
        await upgrade(url)
        store = await Store.open(url, clock)
        try:
            async with store.write() as tx:
                await tx.incidents.add(incident)
                for alert in alerts:
                    await tx.alerts.save(alert, incident.id)
            yield store
        finally:
            await store.close()


async def scratch_runner(
    store: Store, incident_id: str, make_context: Callable[[Lease], IncidentContext]
) -> tuple[IncidentRunner, Lease]:
    """A runner whose checkpoints stay in memory, and the lease on the incident.

    Raises:
        Conflict: the incident is being run in this store already.
    """
    lease = await scratch_lease(store, incident_id)
    graph = build_incident_graph(InMemorySaver(serde=serializer()))
    return IncidentRunner(graph, make_context), lease


async def scratch_lease(store: Store, incident_id: str) -> Lease:
    """The lease on the incident.

    Raises:
        Conflict: it is being run in this store already.
    """
    async with store.write() as tx:
        lease = await tx.leases.acquire(incident_id, "scratch", LEASE_SECONDS)
    if lease is None:
        raise Conflict(f"{incident_id} is being run already")
    return lease


class ObservingRemedy:
    """Says what would have been done; nothing can talk it into doing it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def judge(self, incident: Incident, proposal: Proposal, undo_of: Attempt | None = None) -> Verdict:
        """Always denied, by the rule `autonomy`."""
        facts = GuardFacts(
            at=self._clock.now(),
            autonomy=Autonomy.OBSERVE,
            protected=False,
            target_resolved=True,
            policy_effect=Effect.ASK,
            policy_rule="read-only",
        )
        return judge(proposal, facts)

    async def act(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        """Never.

        Raises:
            Conflict: always.
        """
        raise Conflict("a read-only run never acts")

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        """Nothing was done, so there is nothing to verify."""
        return Verification(recovery=Recovery.UNREADABLE, seconds=0.0, detail="a read-only run never acts")
