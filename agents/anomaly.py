"""Anomaly agent: what left its baseline, when, and by how much."""

from __future__ import annotations

import asyncio

from agents.models import AnomalyInput, Findings
from agents.spec import AgentSpec, Answer, Budget
from analysis.anomalies import coverage, detect
from core.models import Rung


async def find(given: AnomalyInput) -> Answer[Findings]:
    """Every finding. Confidence is the share of the series that have a baseline to leave."""
    findings = await asyncio.to_thread(detect, given.view, given.config)
    return Answer(Findings(findings=findings), coverage(given.view, given.config))


SPEC = AgentSpec(
    name="anomaly",
    version="1",
    description="Finds the metrics, log templates and process states that left their baseline, with their onset.",
    input=AnomalyInput,
    output=Findings,
    tools=("metric_digest", "log_digest", "service_state"),
    rungs={Rung.RULES: find},
    budget=Budget(),
)
