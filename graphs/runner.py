"""Drives one incident through the graph: starts, resumes, stops, hands over."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.errors import NodeTimeoutError
from langgraph.types import Command, StateSnapshot

from core.errors import LeaseLost, QuellError
from core.models import LIVE, Incident, IncidentStatus, TimelineEntry
from graphs.context import IncidentContext
from graphs.incident import IncidentGraph
from graphs.state import IncidentState, validate_state
from stores.leases import Lease

STEP_LIMIT = 120
"""Steps after which LangGraph gives a run up; the rounds of a run are bounded far below it."""

log = structlog.get_logger(__name__)


class RunResult(StrEnum):
    """How a run left its incident."""

    FINISHED = "finished"
    WAITING = "waiting"
    STOPPED = "stopped"
    HANDED_OVER = "handed_over"


class IncidentRunner:
    """Runs incidents, one call a lease."""

    def __init__(self, graph: IncidentGraph, make_context: Callable[[Lease], IncidentContext]) -> None:
        self._graph = graph
        self._make_context = make_context

    async def run(self, incident_id: str, lease: Lease) -> RunResult:
        """Take the incident as far as it goes now.

        Raises:
            LeaseLost: another worker owns it; nothing more was written.
            QuellError: a retryable one that outlived its retries; the same call later continues where it stopped.
        """
        context = self._make_context(lease)
        config: RunnableConfig = {"configurable": {"thread_id": incident_id}, "recursion_limit": STEP_LIMIT}
        try:
            snapshot = await self._graph.aget_state(config)
            given = await self._input(incident_id, snapshot, context)
            if given is _NOTHING_LEFT:
                return RunResult.FINISHED
            stream = self._graph.astream(given, config, context=context, stream_mode="updates", durability="sync")
            async for _ in stream:
                if await self._stop_requested(incident_id, context):
                    await self.hand_over(incident_id, context, "stopped: a human asked Quell to stop")
                    return RunResult.STOPPED
        except LeaseLost:
            raise
        except NodeTimeoutError as error:
            await self.hand_over(incident_id, context, f"timeout: {error}")
            return RunResult.HANDED_OVER
        except QuellError as error:
            if error.retryable:
                raise
            await self.hand_over(incident_id, context, f"{type(error).__name__}: {error}")
            return RunResult.HANDED_OVER
        snapshot = await self._graph.aget_state(config)
        return RunResult.WAITING if snapshot.next else RunResult.FINISHED

    async def state(self, incident_id: str) -> IncidentState:
        """The newest state of a run, empty when it never began."""
        snapshot = await self._graph.aget_state({"configurable": {"thread_id": incident_id}})
        return cast(IncidentState, snapshot.values or {})

    async def _input(self, incident_id: str, snapshot: StateSnapshot, context: IncidentContext) -> Any:
        if not snapshot.values and not snapshot.next:
            async with context.store.read() as tx:
                return {"incident": await tx.incidents.get(incident_id)}
        validate_state(snapshot.values)
        if not snapshot.next:
            return _NOTHING_LEFT
        if any(task.interrupts for task in snapshot.tasks):
            return Command(resume=True)
        return None

    async def _stop_requested(self, incident_id: str, context: IncidentContext) -> bool:
        async with context.store.read() as tx:
            incident = await tx.incidents.get(incident_id)
        return incident.stop_requested and incident.status in LIVE

    async def hand_over_after_bug(self, incident_id: str, lease: Lease, error: Exception) -> None:
        """A defect of Quell itself: a human takes over, told the type of the error and nothing that it quotes."""
        await self.hand_over(incident_id, self._make_context(lease), f"internal error: {type(error).__name__}")

    async def hand_over(self, incident_id: str, context: IncidentContext, outcome: str) -> Incident:
        """Give the incident to a human, with the reason, once."""
        now = context.clock.now()
        log.warning("incident_handed_over", incident_id=incident_id, outcome=outcome)
        async with context.store.write() as tx:
            await tx.leases.check(context.lease)
            incident = await tx.incidents.update(incident_id, status=IncidentStatus.ESCALATED, outcome=outcome)
            await tx.timeline.add(
                incident_id, TimelineEntry(at=now, kind="outcome", text=outcome), key=f"handed over:{outcome}"
            )
            await tx.audit.append("quell", "incident_handed_over", incident_id, {"outcome": outcome})
            await context.notifier.human_needed(tx, incident, outcome)
        return incident


_NOTHING_LEFT = object()
