"""Root cause agent: ranked hypotheses with their evidence, what was ruled out, or an abstention."""

from __future__ import annotations

import asyncio

from agents.models import RcaInput
from agents.rungs import rca as rung
from agents.rungs import rca_prompt
from agents.spec import AgentSpec, Answer, Budget, Prompted
from analysis.calibration.applying import calibrated
from analysis.causes.ranking import rank
from core.llm import ModelTask
from core.models import Diagnosis, EscalationReason, FaultKind, Rung

CLOSE_SECOND = 0.5
"""A second component at least this share as probable as the first makes the cause a matter of several."""


async def diagnose(given: RcaInput) -> Answer[Diagnosis]:
    """Rank by graph and evidence; the confidence is the calibrated probability of the first hypothesis."""
    ranked = await asyncio.to_thread(rank, given.view, given.findings, given.config)
    diagnosis = calibrated(ranked, given.calibration)
    return Answer(diagnosis, diagnosis.confidence)


def concern(diagnosis: Diagnosis) -> EscalationReason | None:
    """No cause, a cause of no known kind, or two services that could both be it."""
    first = diagnosis.first
    if first is None:
        return EscalationReason.ABSTAINED
    if first.kind is FaultKind.UNKNOWN:
        return EscalationReason.UNKNOWN_PATTERN
    others = [other for other in diagnosis.hypotheses[1:] if other.service != first.service]
    if any(other.probability >= CLOSE_SECOND * first.probability for other in others):
        return EscalationReason.SEVERAL_COMPONENTS
    return None


SPEC = AgentSpec(
    name="rca",
    version="3",
    description="Ranks what could have caused the findings, down the dependency graph, and says what was ruled out.",
    input=RcaInput,
    output=Diagnosis,
    tools=("metric_digest", "log_digest", "service_state", "recent_changes", "service_topology", "active_alerts"),
    rungs={Rung.RULES: diagnose},
    budget=Budget(),
    concern=concern,
    prompted=Prompted(
        task=ModelTask.RCA,
        prompt="rca",
        response=rung.RcaResponse,
        worth_asking=rung.worth_asking,
        services=rca_prompt.services,
        variables=rca_prompt.variables,
        choices=rung.choices,
        evidence=lambda given: given.evidence,
        read=rung.read,
        max_output_tokens=900,
        verified=True,
        looks=True,
    ),
    same=rung.same,
)
