"""Incidents: list, show, acknowledge, stop, close."""

from __future__ import annotations

from app.operations.arguments import Id, Limit, Who
from app.operations.context import Context
from app.operations.operation import get, post
from app.operations.outputs import Delivery, IncidentDetail, IncidentList
from core.errors import Conflict, InvalidInput
from core.models import LIVE, AlertPattern, FaultKind, Incident, IncidentStatus, Judgement, TimelineEntry
from stores.store import Tx


@get("/api/incidents", IncidentList)
async def list_incidents(
    context: Context, *, status: list[IncidentStatus] | None = None, service: Id | None = None, limit: Limit = 100
) -> IncidentList:
    """Incidents, newest first, and alerts that started none; of some statuses or one service only when asked."""
    async with context.store.read() as tx:
        found = await tx.incidents.find(statuses=status or None, service=service, limit=limit)
        suppressed = [] if status else await tx.suppressions.find(service, limit)
    return IncidentList(incidents=tuple(found), suppressed=tuple(suppressed))


@get("/api/incidents/{incident_id}", IncidentDetail)
async def show_incident(context: Context, *, incident_id: Id) -> IncidentDetail:
    """All that is on record about one incident."""
    async with context.store.read() as tx:
        return IncidentDetail(
            incident=await tx.incidents.get(incident_id),
            alerts=tuple(await tx.alerts.of_incident(incident_id)),
            timeline=tuple(await tx.timeline.of_incident(incident_id)),
            evidence=tuple(await tx.evidence.of_incident(incident_id)),
            decisions=tuple(await tx.decisions.of_incident(incident_id)),
            approvals=tuple(await tx.approvals.find(incident=incident_id)),
            actions=tuple(await tx.attempts.of_incident(incident_id)),
            notices=tuple(
                Delivery(channel=item.channel, state=item.state, tries=item.tries, error=item.error)
                for item in await tx.outbox.of_incident(incident_id)
            ),
            calls=tuple(await tx.spending.of_incident(incident_id)),
        )


@post("/api/incidents/{incident_id}/acknowledge", Incident)
async def acknowledge_incident(context: Context, *, incident_id: Id, by: Who = "api") -> Incident:
    """Note that a human has seen the incident; what Quell does goes on."""
    async with context.store.write() as tx:
        incident = await tx.incidents.get(incident_id)
        if incident.acknowledged_by == by:
            return incident
        await _note(context, tx, incident_id, "acknowledge", by, f"acknowledged by {by}")
        return await tx.incidents.update(incident_id, acknowledged_by=by)


@post("/api/incidents/{incident_id}/stop", Incident)
async def stop_incident(context: Context, *, incident_id: Id, by: Who = "api") -> Incident:
    """Ask the worker to hand the incident to a human before its next step; an action under way is not cut short."""
    async with context.store.write() as tx:
        incident = await tx.incidents.get(incident_id)
        if incident.status not in LIVE:
            raise Conflict(
                f"incident {incident_id} is {incident.status}: nothing is under way",
                fix=f"close it with `quell incidents close {incident_id} --as real|false-alarm`",
            )
        if incident.stop_requested:
            return incident
        await _note(context, tx, incident_id, "stop", by, f"stop asked for by {by}")
        return await tx.incidents.update(incident_id, stop_requested=True)


@post("/api/incidents/{incident_id}/close", Incident)
async def close_incident(
    context: Context,
    *,
    incident_id: Id,
    judged: Judgement,
    cause_service: Id | None = None,
    cause_kind: FaultKind | None = None,
    by: Who = "api",
) -> Incident:
    """Close an ended incident and say whether it was real, and what it was; closing it again corrects the answer.

    The answer counts for the pattern of each alert of the incident: repeats of false alarms are kept quiet.
    """
    if judged is Judgement.FALSE_ALARM and (cause_service or cause_kind):
        raise InvalidInput(
            "a false alarm has no cause", path="cause", fix="leave it out, or close the incident as real"
        )
    async with context.store.write() as tx:
        incident = await tx.incidents.get(incident_id)
        if incident.status in LIVE:
            raise Conflict(
                f"incident {incident_id} is {incident.status}: work on it has not ended",
                fix=f"wait, or stop it first: quell incidents stop {incident_id}",
            )
        said = {"judged": judged, "judged_service": cause_service or "", "judged_kind": cause_kind}
        if incident.status is IncidentStatus.CLOSED and all(getattr(incident, name) == said[name] for name in said):
            return incident
        cause = " ".join(part for part in (cause_service, cause_kind) if part)
        await _note(
            context, tx, incident_id, "close", by, f"closed by {by} as {judged}" + (f": {cause}" if cause else "")
        )
        patterns = [AlertPattern.of(alert) for alert in await tx.alerts.of_incident(incident_id)]
        await tx.feedback.judge(incident_id, patterns, judged, incident.severity, by)
        return await tx.incidents.update(
            incident_id,
            status=IncidentStatus.CLOSED,
            **said,
            ended_at=incident.ended_at or context.clock.now(),
        )


async def _note(context: Context, tx: Tx, incident_id: str, action: str, by: str, text: str) -> None:
    """Put what a human did on the timeline and into the audit trail."""
    await tx.timeline.add(incident_id, TimelineEntry(at=context.clock.now(), kind="note", text=text))
    await tx.audit.append(by, f"incident.{action}", incident_id, {"text": text})
