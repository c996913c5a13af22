"""The first nodes: what is this about, and has it been seen before?"""

from __future__ import annotations

from typing import Any

from agents import classifier
from agents.models import TriageInput
from core.models import Diagnosis, Hypothesis, Rung
from core.ports import Recollection
from graphs.beginning import keep_beginning
from graphs.context import IncidentContext
from graphs.queries import query_context
from graphs.records import decide, keep_evidence
from graphs.routes import known_issue
from graphs.run_settings import keep_settings
from graphs.state import IncidentState
from tools.context import windows
from tools.runner import run_query


async def triage(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Classifier agent: category, severity, affected service."""
    incident_id = state["incident"].id
    began = await keep_beginning(context, incident_id)
    incident, alerts = began.incident, began.alerts
    window, baseline = windows(incident.investigated_at or context.clock.now(), alerts, context.analysis)
    opened: IncidentState = {
        "incident": incident,
        "alerts": alerts,
        "window": window,
        "baseline": baseline,
        "scope": context.inventory.neighbourhood(incident.service) if incident.service else (),
        "round": 0,
    }
    ask = query_context(opened, context)
    await keep_settings(context, incident_id)
    seen = await run_query("active_alerts", {}, ask)
    evidence = await keep_evidence([seen], context)
    given = TriageInput(alerts=alerts, service=incident.service, evidence=(seen[0],))
    answer = await decide(classifier.SPEC, given, context, incident)
    return {**opened, "evidence": evidence, "triage": answer.result}


async def recall(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Ask the knowledge base for past resolutions; a known issue is diagnosed from memory."""
    symptoms = [alert.name for alert in state["alerts"]]
    memories = tuple(await context.knowledge.recall(state["incident"].service, symptoms))
    known = known_issue(memories)
    update: dict[str, Any] = {"recollections": memories}
    if known is not None:
        update["diagnosis"] = remembered(known, state["incident"].service, state.get("evidence", ()))
    return update


def remembered(memory: Recollection, service: str, evidence: tuple[str, ...]) -> Diagnosis:
    """A diagnosis from a past resolution; its confidence is how similar the past was and how often it held."""
    held = memory.successes / (memory.successes + memory.failures + 1)
    confidence = round(memory.similarity * held, 3)
    hypothesis = Hypothesis(
        service=service,
        kind=memory.kind,
        statement=f"As {memory.id}: {memory.title}",
        probability=confidence,
        evidence_for=evidence,
    )
    return Diagnosis(hypotheses=(hypothesis,), confidence=confidence, rung=Rung.RULES)
