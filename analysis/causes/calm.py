"""What to say when no service is suspect: a false alarm if enough was seen to be calm, else an abstention."""

from __future__ import annotations

from analysis.config import AnalysisConfig
from analysis.rounding import probability
from analysis.series.readings import Reading, read
from analysis.topology import Topology
from analysis.view import SignalFrame, SystemView
from core.models import Diagnosis, FaultKind, Finding, Hypothesis

MIN_COVERAGE = 0.5  # with less of the path seen, calm means nothing


def calm_diagnosis(
    view: SystemView, findings: tuple[Finding, ...], topology: Topology, config: AnalysisConfig
) -> Diagnosis:
    """The diagnosis of a view without suspects.

    The probability of a false alarm is ``coverage x (1 - closeness / 2)``: the share of the services on the path
    that could be compared with their baseline, and how close the most unusual of their series came to the threshold.
    """
    if findings:
        seen = "; ".join(finding.text for finding in findings[:3])
        return _abstain(f"something is unusual, but it is no cause known here: {seen}")
    services = _path(view, topology)
    compared = [(frame, reading) for frame in view.signals if (reading := _comparable(frame, view, config))]
    on_path = [(frame, reading) for frame, reading in compared if frame.service in services]
    coverage = len({frame.service for frame, _ in on_path}) / len(services) if services else 0.0
    if coverage < MIN_COVERAGE or (view.symptom and all(frame.service != view.symptom for frame, _ in on_path)):
        return _abstain("too little was measured to tell whether anything is wrong")
    closest = max(abs(reading.deviation or 0.0) for _, reading in on_path)
    certainty = probability(coverage * (1 - min(1.0, closest / config.robust_z) / 2))
    false_alarm = Hypothesis(
        service=view.symptom,
        kind=FaultKind.FALSE_ALARM,
        statement=f"nothing left its baseline on {len(services)} services",
        probability=certainty,
        evidence_for=tuple(dict.fromkeys(frame.evidence for frame, _ in on_path)),
    )
    return Diagnosis(hypotheses=(false_alarm,), confidence=certainty)


def _path(view: SystemView, topology: Topology) -> frozenset[str]:
    """The symptom and all it needs; without a resolved symptom every measured service."""
    if view.symptom:
        return topology.downstream(view.symptom) | {view.symptom}
    return frozenset(frame.service for frame in view.signals)


def _comparable(frame: SignalFrame, view: SystemView, config: AnalysisConfig) -> Reading | None:
    """The reading of a series that has both a baseline and samples in the window."""
    reading = read(frame, view.window, view.baseline, config)
    if reading.deviation is None or reading.normal is None or reading.normal.samples < config.min_baseline_samples:
        return None
    return reading


def _abstain(reason: str) -> Diagnosis:
    """No cause, and why."""
    return Diagnosis(confidence=0.0, abstained=reason)
