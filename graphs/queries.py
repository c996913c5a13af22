"""The query context of a run: live sources for `gather`, the incident's own recordings afterwards."""

from __future__ import annotations

from dataclasses import replace

from analysis.view import SystemView
from clients.recorded import (
    RecordedActuator,
    RecordedBaselines,
    RecordedChanges,
    RecordedLogs,
    RecordedMetrics,
    RecordedTemplates,
    RecordedTraces,
)
from core.models import Evidence
from graphs.context import IncidentContext
from graphs.state import IncidentState
from tools.context import QueryContext
from tools.runner import load_view
from tools.sources import Sources


def query_context(state: IncidentState, context: IncidentContext) -> QueryContext:
    """What the query tools need: the incident's instant and windows, and the sources."""
    return QueryContext(
        incident_id=state["incident"].id,
        now=state["window"].end,
        window=state["window"],
        baseline=state["baseline"],
        inventory=context.inventory,
        sources=context.sources.at(state["window"].end),
        signals=tuple(context.signals),
        analysis=context.analysis,
        alerts=state["alerts"],
    )


async def recorded_view(state: IncidentState, context: IncidentContext) -> SystemView:
    """The raw data behind the evidence, read back from the record: what is analysed is what can be replayed."""
    incident_id = state["incident"].id

    async def look_up(port: str, key: str) -> bytes | None:
        async with context.store.read() as tx:
            return await tx.recordings.find(incident_id, port, key)

    recorded = Sources(
        metrics=RecordedMetrics(look_up),
        logs=RecordedLogs(look_up),
        actuators=(RecordedActuator(look_up, now=state["window"].end),),
        traces=RecordedTraces(look_up),
        baselines=RecordedBaselines(look_up),
        changes=RecordedChanges(look_up),
        templates=RecordedTemplates(look_up),
    )
    evidence = await gathered(state, context)
    ask = replace(query_context(state, context), sources=recorded)
    return await load_view(evidence, ask, symptom=state["incident"].service)


async def gathered(state: IncidentState, context: IncidentContext) -> tuple[Evidence, ...]:
    """The evidence that this run gathered, of every look."""
    cited = set(state.get("evidence", ()))
    async with context.store.read() as tx:
        evidence = await tx.evidence.of_incident(state["incident"].id)
    return tuple(item for item in evidence if item.id in cited)


async def in_view(state: IncidentState, context: IncidentContext) -> tuple[Evidence, ...]:
    """The evidence that the newest view rests on, and that a model may cite."""
    return tuple(item for item in await gathered(state, context) if item.window == state["window"])
