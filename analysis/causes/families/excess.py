"""Conserved quantities: who fails or waits beyond what its callees account for."""

from __future__ import annotations

from dataclasses import replace

from analysis.causes.confidence import Family, saturation
from analysis.causes.conserved import Excesses, excesses, own
from analysis.causes.families.reading import FamilyReading, Mark
from analysis.config import AnalysisConfig
from analysis.rounding import instant, significant
from analysis.topology import Topology
from analysis.view import SystemView
from core.models import Signal

OTHER_SYMPTOM = 0.3
"""What a symptom is worth that the service of the alert does not show itself."""

_UNITS = {Signal.ERRORS: "failed requests/s", Signal.LATENCY: "seconds of waiting a second"}


def read(view: SystemView, topology: Topology, config: AnalysisConfig) -> FamilyReading:
    """Mark every service by its own excess, as a share of the largest one of the same symptom.

    How unusual the leader is says how certain all marks are alike; it ranks nobody.
    """
    excess = excesses(view, config)
    marks = [(mark, signal) for signal in excess for mark in _marks(signal, excess, view, topology)]
    if not marks:
        return FamilyReading(Family.EXCESS, ())
    leader, symptom = max(marks, key=lambda pair: pair[0].score)
    certainty = saturation(excess[symptom][leader.service].deviation, config.robust_z)
    return FamilyReading(Family.EXCESS, tuple(replace(mark, strength=certainty) for mark, _ in marks))


def _marks(signal: Signal, excess: Excesses, view: SystemView, topology: Topology) -> list[Mark]:
    """The marks of one symptom."""
    amounts = {service: own(service, signal, excess, topology) for service in excess[signal]}
    largest = max(amounts.values(), default=0.0)
    if largest <= 0:
        return []
    relevance = 1.0 if not view.symptom or view.symptom in excess[signal] else OTHER_SYMPTOM
    unit = _UNITS[signal]
    return [
        Mark(
            service=service,
            score=relevance * amount / largest,
            kind=None,
            component=signal.value,
            statement=f"{service} adds {significant(amount):g} {unit} beyond what it calls",
            onset=instant(excess[signal][service].onset.at),
            evidence=excess[signal][service].evidence,
        )
        for service, amount in amounts.items()
        if amount > 0
    ]
