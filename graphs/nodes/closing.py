"""The last nodes: what is learnt, and what is told."""

from __future__ import annotations

from typing import Any

from core.models import Ending, Incident, IncidentStatus, TimelineEntry
from core.ports import Lesson
from graphs.context import IncidentContext
from graphs.state import IncidentState

RESOLVED = {Ending.RECOVERED, Ending.RECOVERED_ALONE}
"""Endings after which the service is well."""


async def learn(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Draft a lesson; curation is for humans."""
    diagnosis = state.get("diagnosis")
    first = diagnosis.first if diagnosis else None
    attempt = state.get("attempt")
    if first is None:
        return {}
    lesson = Lesson(
        incident_id=state["incident"].id,
        service=first.service,
        symptoms=tuple(alert.name for alert in state["alerts"]),
        cause=first.kind,
        statement=first.statement,
        action=attempt.proposal.action if attempt else "",
        recovered=state.get("ending") in RESOLVED,
    )
    await context.knowledge.draft(lesson)
    return {}


async def report(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Write how it ended, once, and tell somebody."""
    incident_id = state["incident"].id
    ending = state.get("ending") or Ending.NO_ACTION
    detail = state.get("ending_detail", "")
    outcome = f"{ending.value}: {detail}" if detail else ending.value
    resolved = ending in RESOLVED
    now = context.clock.now()
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        booked = (await tx.incidents.get(incident_id)).cost_usd
        decided = sum(decision.cost_usd for decision in await tx.decisions.of_incident(incident_id))
        incident: Incident = await tx.incidents.update(
            incident_id,
            status=IncidentStatus.RESOLVED if resolved else IncidentStatus.ESCALATED,
            outcome=outcome,
            ended_at=now if resolved else None,
            cost_usd=max(booked, round(decided, 6)),  # a replay has no books, only what decisions say
        )
        await tx.timeline.add(
            incident_id, TimelineEntry(at=now, node="report", kind="outcome", text=outcome), key="report"
        )
        if resolved:
            await context.notifier.ended(tx, incident)
        else:
            await context.notifier.human_needed(tx, incident, outcome)
        await tx.audit.append(
            "quell", "incident_ended", incident_id, {"outcome": outcome, "status": incident.status.value}
        )
    return {"incident": incident}
