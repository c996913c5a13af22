"""From measurements to a diagnosis."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from agents import anomaly, rca
from agents.models import AnomalyInput, RcaInput
from core.models import Diagnosis
from graphs.context import IncidentContext
from graphs.queries import query_context, recorded_view
from graphs.records import decide, keep_evidence
from graphs.state import IncidentState
from tools import runner


async def gather(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Bounded digests of metrics, logs, states, changes and topology around the onset."""
    results = await runner.gather(query_context(state, context), state["scope"])
    return {"evidence": await keep_evidence(results, context)}


async def detect(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Anomaly agent: what left its baseline, when, by how much."""
    view = await recorded_view(state, context)
    given = AnomalyInput(view=view, config=context.analysis)
    incident = state["incident"]
    answer = await decide(anomaly.SPEC, given, context, incident_id=incident.id, severity=incident.severity)
    return {"findings": answer.result.findings}


async def diagnose(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """RCA agent: ranked hypotheses, each resting on evidence that exists."""
    view = await recorded_view(state, context)
    given = RcaInput(view=view, findings=state["findings"], config=context.analysis)
    incident = state["incident"]
    answer = await decide(rca.SPEC, given, context, incident_id=incident.id, severity=incident.severity)
    async with context.store.read() as tx:
        known = await tx.evidence.ids(incident.id)
    diagnosis = grounded(answer.result, known)
    first = diagnosis.first
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        await tx.incidents.update(
            incident.id,
            cause_service=first.service if first else "",
            cause_kind=first.kind if first else None,
            confidence=diagnosis.confidence,
            rung=answer.rung.value,
        )
    return {"diagnosis": diagnosis}


def grounded(diagnosis: Diagnosis, known: Collection[str]) -> Diagnosis:
    """Drop citations that do not exist, and every hypothesis that has none left: nobody gets to see them."""
    kept = []
    for hypothesis in diagnosis.hypotheses:
        cited = tuple(item for item in hypothesis.evidence_for if item in known)
        against = tuple(item for item in hypothesis.evidence_against if item in known)
        if cited:
            kept.append(hypothesis.model_copy(update={"evidence_for": cited, "evidence_against": against}))
    if kept or not diagnosis.hypotheses:
        return diagnosis.model_copy(update={"hypotheses": tuple(kept)})
    return diagnosis.model_copy(
        update={"hypotheses": (), "abstained": "no hypothesis cites evidence that exists", "confidence": 0.0}
    )
