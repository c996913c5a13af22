"""What is unusual in a system: every series, log and state that left its baseline, as findings."""

from __future__ import annotations

from datetime import datetime

from analysis.causes.states import state_findings
from analysis.config import AnalysisConfig
from analysis.findings import series_finding
from analysis.joint import log_findings
from analysis.patterns.match import named, patterns
from analysis.rounding import probability
from analysis.series.limits import LIMIT_SIGNALS
from analysis.series.readings import read
from analysis.severity import severity_of
from analysis.topology import Topology
from analysis.view import SystemView
from core.models import Finding


def detect(view: SystemView, config: AnalysisConfig) -> tuple[Finding, ...]:
    """All findings of a view, largest deviation first; deviations compare within one signal only.

    Metrics and logs of a service are looked at together. Each finding carries its severity, and the name of the known
    pattern that it is part of.
    """
    findings = [found for frame in view.signals if (found := series_finding(frame, view, config))]
    for log in view.logs:
        told, agreeing = log_findings(log, findings, view, config)
        findings += told + agreeing
    for state in view.states:
        findings.extend(state_findings(state, view, findings, config))
    graded = tuple(sorted((_graded(one, view, config) for one in findings), key=_precedence))
    return named(graded, patterns(view, graded, Topology(view.dependencies), config))


def coverage(view: SystemView, config: AnalysisConfig) -> float:
    """Share of the series, 0..1, that have a baseline to leave; 0 without series.

    Limits are not counted, nor what a service does not measure at all, as a service without processor times: a series
    that has samples nowhere, neither in the window nor before it, is not one that a better look would know more of.
    """
    frames = [frame for frame in view.signals if frame.signal not in LIMIT_SIGNALS]
    everything = [read(frame, view.window, view.baseline, config) for frame in frames]
    readings = [one for one in everything if one.samples or one.normal is not None]
    known = [one for one in readings if one.normal and one.normal.samples >= config.min_baseline_samples]
    return probability(len(known) / len(readings)) if readings else 0.0


def _precedence(finding: Finding) -> tuple[float, datetime]:
    return (-abs(finding.magnitude), finding.onset)


def _graded(finding: Finding, view: SystemView, config: AnalysisConfig) -> Finding:
    """The finding with its severity."""
    severity = severity_of(finding.signal, finding.shape, finding.magnitude, finding.forecast, view.window.end, config)
    return finding.model_copy(update={"severity": severity})
