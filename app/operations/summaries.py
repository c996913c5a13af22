"""An incident told to people, by a model where one is configured and may be told, from the record otherwise."""

from __future__ import annotations

from agents.summaries.narrated import incident_text
from agents.summaries.record import IncidentRecord
from agents.summaries.text import IncidentText, TextKind
from app.models.wiring import model_rungs
from app.operations.arguments import Id, Who
from app.operations.context import Context
from app.operations.models import open_models
from app.operations.operation import post


@post("/api/incidents/{incident_id}/summary", IncidentText)
async def summarise_incident(
    context: Context, *, incident_id: Id, kind: TextKind = TextKind.SUMMARY, ask_models: bool = True, by: Who = "api"
) -> IncidentText:
    """A summary, a hand-over note or the draft of a post-mortem; every sentence cites evidence or says it is opinion.

    It changes nothing, but may ask a model, which may cost money: hence no GET, and `by` whom it is booked on.
    """
    async with context.store.read() as tx:
        record = IncidentRecord(
            incident=await tx.incidents.get(incident_id),
            alerts=tuple(await tx.alerts.of_incident(incident_id)),
            timeline=tuple(await tx.timeline.of_incident(incident_id)),
            evidence=tuple(await tx.evidence.of_incident(incident_id)),
            decisions=tuple(await tx.decisions.of_incident(incident_id)),
            approvals=tuple(await tx.approvals.find(incident=incident_id)),
            attempts=tuple(await tx.attempts.of_incident(incident_id)),
        )
    settings = context.settings
    if not ask_models:
        return await incident_text(kind, record, {}, settings.privacy)
    if context.models is not None:
        return await incident_text(kind, record, context.models, settings.privacy, user=by)
    async with open_models(settings, context.clock) as clients:
        models = model_rungs(clients, settings, context.store, context.clock)
        return await incident_text(kind, record, models, settings.privacy, user=by)
