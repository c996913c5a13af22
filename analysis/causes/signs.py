"""What the findings of a service amount to: down, burning CPU, swollen, flooded; whether its callers wait."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from analysis.causes.facts import ServiceFacts
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from core.models import Finding, Shape, Signal

SURGE_FACTOR = 1.5  # a surge has at least half again as many requests as usual


def down(facts: ServiceFacts) -> Finding | None:
    """The finding that the service does not answer scrapes; without an `up` series, that its samples ended."""
    if facts.scraped:
        return facts.of(Signal.UP)
    return next((finding for finding in facts.findings if finding.shape is Shape.MISSING), None)


def hot(facts: ServiceFacts, config: AnalysisConfig) -> Finding | None:
    """The finding that the service burns CPU: near a core, or many times what it needs for the traffic it has.

    A process that has just started is busy with starting, unless it takes nearly a core.
    """
    traffic = facts.of(Signal.TRAFFIC, Shape.LEVEL_SHIFT)
    growth = max(1.0, (traffic.current or 0.0) / traffic.baseline) if traffic and traffic.baseline else 1.0
    state = facts.state.state if facts.state else None
    ran_seconds = (state.at - state.started_at).total_seconds() if state and state.started_at else inf
    for finding in facts.findings:
        if finding.signal is not Signal.CPU or finding.shape is not Shape.LEVEL_SHIFT:
            continue
        cores, usual = finding.current or 0.0, growth * (finding.baseline or 0.0)
        out_of_proportion = cores >= config.saturated_factor * usual and ran_seconds >= config.window_seconds
        if cores - usual >= config.saturated_rise_cores and (cores >= config.saturated_cores or out_of_proportion):
            return finding
    return None


def swollen(facts: ServiceFacts) -> Finding | None:
    """The finding that the service takes, or took, far more memory at once; a steady rise is a shape of its own."""
    return facts.of(Signal.MEMORY, Shape.LEVEL_SHIFT, Shape.SPIKE)


def surge(facts: ServiceFacts) -> Finding | None:
    """The finding that the service gets far more requests than usual."""
    finding = facts.of(Signal.TRAFFIC, Shape.LEVEL_SHIFT)
    if finding is None or (finding.current or 0.0) < SURGE_FACTOR * (finding.baseline or 0.0):
        return None
    return finding


def callers_wait(facts: ServiceFacts, all_facts: Mapping[str, ServiceFacts], topology: Topology) -> bool:
    """Whether a direct caller became slow: a dead process refuses at once, a hung one keeps callers waiting."""
    callers = [all_facts[name] for name in topology.callers(facts.service)]
    return any(caller.of(Signal.LATENCY, Shape.LEVEL_SHIFT) for caller in callers)
