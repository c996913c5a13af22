"""What surrounds every node: the lease is checked, the step is on the timeline, its duration is observed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from langgraph.runtime import Runtime

from core.models import IncidentStatus, TimelineEntry
from graphs.context import IncidentContext
from graphs.state import IncidentState

Update = dict[str, Any]
Node = Callable[[IncidentState, IncidentContext], Awaitable[Update]]

STATUS = {
    "approve": IncidentStatus.AWAITING_APPROVAL,
    "act": IncidentStatus.HEALING,
    "undo": IncidentStatus.HEALING,
    "verify": IncidentStatus.VERIFYING,
}
"""Status an incident has while a node runs; investigating in all others."""

LOOKING = {"gather", "detect", "diagnose"}
"""Nodes that may run again for a further look."""

log = structlog.get_logger(__name__)


class Step(Protocol):
    """A node as LangGraph calls it."""

    async def __call__(self, state: IncidentState, *, runtime: Runtime[IncidentContext]) -> Update: ...


def step(name: str, node: Node) -> Step:
    """Wrap a node.

    Entering writes the status and a timeline line keyed by node and turn, so that a node that runs again after a crash
    is told once. Nothing outward happens here: the node `approve` re-runs on resume.
    """

    async def run(state: IncidentState, *, runtime: Runtime[IncidentContext]) -> Update:
        context = runtime.context
        incident_id = state["incident"].id
        await context.hooks.at(f"{name}:before", incident_id)
        started = context.clock.monotonic()
        await _enter(name, state, context)
        with structlog.contextvars.bound_contextvars(node=name):
            update = await node(state, context)
            seconds = context.clock.monotonic() - started
            log.info("node_finished", seconds=round(seconds, 3))
        context.observe(name, seconds)
        await context.hooks.at(f"{name}:after", incident_id)
        return update

    return run


async def _enter(name: str, state: IncidentState, context: IncidentContext) -> None:
    turn = f"{state.get('looks', 0) if name in LOOKING else 0}.{state.get('round', 0)}"
    entry = TimelineEntry(at=context.clock.now(), node=name, kind="node", text=name, data={"turn": turn})
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        if name not in {"learn", "report"}:
            await tx.incidents.update(state["incident"].id, status=STATUS.get(name, IncidentStatus.INVESTIGATING))
        await tx.timeline.add(state["incident"].id, entry, key=f"node:{name}:{turn}")
