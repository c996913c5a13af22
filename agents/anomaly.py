"""Anomaly agent: what left its baseline, when, and by how much."""

from __future__ import annotations

import asyncio

from agents.models import AnomalyInput, Findings
from agents.rungs import anomaly as rung
from agents.spec import AgentSpec, Answer, Budget, Prompted
from analysis.anomalies import coverage, detect
from core.llm import ModelTask
from core.models import Rung


async def find(given: AnomalyInput) -> Answer[Findings]:
    """Every finding. Confidence is the share of the series that have a baseline to leave."""
    findings = await asyncio.to_thread(detect, given.view, given.config)
    return Answer(Findings(findings=findings), coverage(given.view, given.config))


SPEC = AgentSpec(
    name="anomaly",
    version="2",
    description="Finds the metrics, log templates and process states that left their baseline, with their onset.",
    input=AnomalyInput,
    output=Findings,
    tools=("metric_digest", "log_digest", "service_state"),
    rungs={Rung.RULES: find},
    budget=Budget(),
    prompted=Prompted(
        task=ModelTask.ANOMALY,
        prompt="anomaly",
        response=rung.AnomalyResponse,
        worth_asking=rung.worth_asking,
        services=rung.services,
        variables=rung.variables,
        choices=rung.choices,
        evidence=lambda given: given.evidence,
        read=rung.read,
        max_output_tokens=300,
    ),
    same=rung.same,
    weighty=False,
)
