"""What is known of each service, gathered from a view and its findings, and read as clues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from analysis.causes.confidence import Clue, Family, saturation
from analysis.causes.conserved import SYMPTOMS, accounted, excesses
from analysis.causes.states import HALTED
from analysis.changes.assess import Assessment
from analysis.changes.judging import judge
from analysis.config import AnalysisConfig
from analysis.series.readings import read
from analysis.topology import Topology
from analysis.view import StateView, SystemView
from core.models import Finding, RunState, Shape, Signal

ALERT_WEIGHT = 0.5
"""An alert says that somebody suffers, not how much: as much as a deviation at the threshold."""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One service.

    Attributes:
        findings: all of this service, largest deviation first.
        state: its actuator's word; None when there is none.
        observed: whether any metric or state of it is known.
        scraped: whether an `up` series is known.
        traffic: median requests per second in the window; None when unknown.
        symptom: clues from errors and latency, its own or caught from a callee.
        logs: clues from its logs.
        accounted: share of its errors and latency that its callees account for, 0..1.
        impact: clues from what its callers suffer, or from the alert when it is the symptom itself.
        changes: what was changed on it and could have broken it, each judged, oldest first.
    """

    service: str
    findings: tuple[Finding, ...]
    state: StateView | None
    observed: bool
    scraped: bool
    traffic: float | None
    symptom: tuple[Clue, ...]
    logs: tuple[Clue, ...]
    accounted: float = 0.0
    impact: tuple[Clue, ...] = ()
    changes: tuple[Assessment, ...] = ()

    def of(self, signal: Signal, *shapes: Shape) -> Finding | None:
        """Its largest finding of that signal, in one of the shapes if any are given."""
        return next((f for f in self.findings if f.signal is signal and (not shapes or f.shape in shapes)), None)

    @property
    def run_state(self) -> RunState:
        """What its actuator says; UNKNOWN without one."""
        return self.state.state.state if self.state else RunState.UNKNOWN

    @property
    def halted(self) -> bool:
        """Whether the actuator says that it cannot answer."""
        return self.run_state in HALTED

    @property
    def answers(self) -> bool:
        """Whether its own health check passes right now, whatever the window saw before: it was restarted, say."""
        return self.state is not None and self.state.state.healthy is True


def gather(
    view: SystemView, findings: tuple[Finding, ...], topology: Topology, config: AnalysisConfig
) -> dict[str, ServiceFacts]:
    """Facts of every service that the view names, in the order in which it names them."""
    excess = excesses(view, config)
    names = _names(view)
    changes = judge(view, findings, topology, config, names)
    alone = {
        name: replace(
            _facts(name, view, findings, config),
            changes=changes.get(name, ()),
            accounted=accounted(name, excess, topology),
        )
        for name in names
    }
    return {name: _with_impact(facts, alone, view, topology) for name, facts in alone.items()}


def added(facts: ServiceFacts, signal: Signal) -> float:
    """How much more of a symptom than usual: failed requests per second, or seconds; 0 without a finding.

    Without known traffic the ratio itself stands for failures per second.
    """
    finding = facts.of(signal, Shape.LEVEL_SHIFT, Shape.SPIKE)
    if finding is None or finding.current is None:
        return 0.0
    rise = max(0.0, finding.current - (finding.baseline or 0.0))
    return rise * facts.traffic if signal is Signal.ERRORS and facts.traffic else rise


def _names(view: SystemView) -> list[str]:
    """Every service named anywhere in the view, once."""
    called = [name for caller, callees in view.dependencies.items() for name in (caller, *callees)]
    measured = [frame.service for frame in view.signals] + [log.service for log in view.logs]
    traced = [trace.service for trace in view.traces]
    acted_on = [one.state.service for one in view.states] + [one.change.service for one in view.changes]
    return list(dict.fromkeys(name for name in (view.symptom, *called, *measured, *traced, *acted_on) if name))


def _facts(name: str, view: SystemView, findings: tuple[Finding, ...], config: AnalysisConfig) -> ServiceFacts:
    """Facts of one service by itself."""
    own = tuple(finding for finding in findings if finding.service == name)
    state = next((one for one in view.states if one.state.service == name), None)
    frames = [frame for frame in view.signals if frame.service == name and np.isfinite(frame.values).any()]
    traffic = next((frame for frame in frames if frame.signal is Signal.TRAFFIC), None)
    return ServiceFacts(
        service=name,
        findings=own,
        state=state,
        observed=state is not None or bool(frames),
        scraped=any(frame.signal is Signal.UP for frame in frames),
        traffic=read(traffic, view.window, view.baseline, config).current if traffic else None,
        symptom=_clues(Family.SYMPTOM, (f for f in own if f.signal in SYMPTOMS), config),
        logs=_clues(Family.LOGS, (f for f in own if f.signal is Signal.LOGS), config),
    )


def _clues(family: Family, findings: Iterable[Finding], config: AnalysisConfig) -> tuple[Clue, ...]:
    """One clue a finding."""
    return tuple(clue_of(family, finding, config) for finding in findings)


def clue_of(family: Family, finding: Finding, config: AnalysisConfig) -> Clue:
    """A finding as a clue; what was over before the end of the window counts half."""
    weight = saturation(finding.magnitude, config.robust_z)
    over = finding.shape is Shape.SPIKE
    return Clue(family, weight / 2 if over else weight, finding.evidence, finding)


def _with_impact(
    facts: ServiceFacts, all_facts: dict[str, ServiceFacts], view: SystemView, topology: Topology
) -> ServiceFacts:
    """Add what the callers suffer."""
    suffering = [clue for caller in topology.callers(facts.service) for clue in all_facts[caller].symptom]
    topology_evidence = (view.topology_evidence,) if view.topology_evidence else ()
    impact = [Clue(Family.IMPACT, clue.weight, clue.evidence + topology_evidence) for clue in suffering]
    if facts.service == view.symptom and view.alert_evidence:
        impact.append(Clue(Family.IMPACT, ALERT_WEIGHT, (view.alert_evidence,)))
    return replace(facts, impact=tuple(impact))
