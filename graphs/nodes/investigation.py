"""From measurements to a diagnosis."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from agents import anomaly, rca
from agents.models import AnomalyInput, RcaInput
from analysis.config import AnalysisConfig
from core.models import Diagnosis, FaultKind
from graphs.asking import looker
from graphs.context import IncidentContext
from graphs.queries import in_view, query_context, recorded_view
from graphs.records import decide, keep_evidence, note
from graphs.run_settings import kept_settings
from graphs.state import IncidentState
from tools import runner
from tools.context import windows

LONGEST_PAUSE_SECONDS = 30.0
"""Between two looks: a human who is needed is told within a minute."""


async def gather(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Bounded digests of metrics, logs, states, changes and topology around the onset; later ones when asked again."""
    looks = state.get("looks", 0)
    update: dict[str, Any] = {"looks": looks + 1}
    if looks:
        update |= await _moved_on(state, looks, context)
    seen: IncidentState = {**state, **update}  # type: ignore[typeddict-item]  # the update's keys are the state's
    results = await runner.gather(query_context(seen, context), state["scope"])
    return {**update, "evidence": await keep_evidence(results, context)}


async def _moved_on(state: IncidentState, looks: int, context: IncidentContext) -> dict[str, Any]:
    """The windows of a further look, and the wait until it is due.

    Its instant follows from the first look's, so that a node that runs twice, or a replay, asks the same questions.
    """
    first = state["incident"].investigated_at or state["window"].end
    due = first + timedelta(seconds=looks * look_again_seconds(context.analysis))
    await context.clock.sleep(max(0.0, (due - context.clock.now()).total_seconds()))
    window, baseline = windows(due, state["alerts"], context.analysis)
    return {"window": window, "baseline": baseline}


async def detect(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """Anomaly agent: what left its baseline, when, by how much."""
    view = await recorded_view(state, context)
    given = AnomalyInput(view=view, config=context.analysis, evidence=await in_view(state, context))
    incident = state["incident"]
    answer = await decide(anomaly.SPEC, given, context, incident, visit=state["looks"] - 1)
    told = answer.result.assessment
    if told is not None:
        seen = f"anomaly: a model {'sees' if told.detected else 'does not see'} one ({told.pattern or 'no pattern'})"
        text = f"{seen}, {told.severity}: {told.recommendation}"
        await note(context, incident.id, "model", text, key=f"assessment:{state['looks']}")
    return {"findings": answer.result.findings}


async def diagnose(state: IncidentState, context: IncidentContext) -> dict[str, Any]:
    """RCA agent: ranked hypotheses, each resting on evidence that exists."""
    view = await recorded_view(state, context)
    incident = state["incident"]
    settings = await kept_settings(context, incident.id)
    given = RcaInput(
        view=view,
        findings=state["findings"],
        config=context.analysis,
        calibration=settings.calibration,
        evidence=await in_view(state, context),
        recollections=state.get("recollections", ()),
    )
    answer = await decide(
        rca.SPEC,
        given,
        context,
        incident,
        visit=state["looks"] - 1,
        look=looker(state, context),
        wait=lambda diagnosis, _: worth_another_look(state, diagnosis, context),
    )
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
    return {
        "diagnosis": diagnosis,
        "unsure": answer.unsure,
        "look_again": worth_another_look(state, diagnosis, context),
    }


def worth_another_look(state: IncidentState, diagnosis: Diagnosis, context: IncidentContext) -> bool:
    """Whether an incident that is not understood is young enough for the next seconds to tell more."""
    if state["looks"] >= context.max_looks or not state["scope"]:
        return False
    began = min((alert.starts_at for alert in state["alerts"]), default=state["window"].end)
    young = (state["window"].end - began).total_seconds() < context.analysis.window_seconds
    first = diagnosis.first
    understood = first is not None and first.kind not in {FaultKind.UNKNOWN, FaultKind.FALSE_ALARM}
    return young and not (understood and diagnosis.confidence >= context.ladder.min_confidence)


def look_again_seconds(config: AnalysisConfig) -> float:
    """Pause between two looks at a young incident: a third of the window has filled anew, but nobody waits long."""
    return min(config.window_seconds / 3, LONGEST_PAUSE_SECONDS)


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
