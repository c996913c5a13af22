"""What is unusual in a system: every series, log and state that left its baseline, as findings."""

from __future__ import annotations

from analysis.causes.states import state_findings
from analysis.config import AnalysisConfig
from analysis.logs.templates import OVERFLOW, TemplateStats, mine
from analysis.rounding import instant, probability, significant
from analysis.series.readings import Reading, read
from analysis.view import LogFrame, SignalFrame, SystemView
from core.models import Finding, Severity, Shape, Signal


def detect(view: SystemView, config: AnalysisConfig) -> tuple[Finding, ...]:
    """All findings of a view, largest deviation first; deviations compare within one signal only."""
    findings = [found for frame in view.signals if (found := _series_finding(frame, view, config))]
    for log in view.logs:
        findings.extend(_log_findings(log, view, config))
    for state in view.states:
        findings.extend(state_findings(state, view, findings, config))
    return tuple(sorted(findings, key=lambda finding: (-abs(finding.magnitude), finding.onset)))


def coverage(view: SystemView, config: AnalysisConfig) -> float:
    """Share of the series, 0..1, that have a baseline to leave; 0 without series."""
    readings = [read(frame, view.window, view.baseline, config) for frame in view.signals]
    known = [one for one in readings if one.normal and one.normal.samples >= config.min_baseline_samples]
    return probability(len(known) / len(readings)) if readings else 0.0


def _series_finding(frame: SignalFrame, view: SystemView, config: AnalysisConfig) -> Finding | None:
    """The finding of one series, if it left its baseline."""
    reading = read(frame, view.window, view.baseline, config)
    if reading.shape is None or reading.onset is None:
        return None
    return Finding(
        service=frame.service,
        signal=frame.signal,
        shape=reading.shape,
        metric=frame.metric,
        onset=instant(reading.onset.at),
        onset_uncertainty_seconds=significant(reading.onset.uncertainty_seconds),
        magnitude=_magnitude(reading, config),
        current=None if reading.current is None else significant(reading.current),
        baseline=None if reading.normal is None else significant(reading.normal.median),
        text=_describe(frame, reading),
        evidence=(frame.evidence,),
    )


def _magnitude(reading: Reading, config: AnalysisConfig) -> float:
    """Signed robust z. A missing series has none and counts as just unusual; being down as at least that much."""
    if reading.shape is Shape.MISSING or reading.deviation is None:
        return -config.robust_z
    if reading.shape is Shape.ABSENT_UP:
        return significant(min(reading.deviation, -config.robust_z))
    return significant(reading.deviation)


def _describe(frame: SignalFrame, reading: Reading) -> str:
    """One line for people."""
    if reading.shape is Shape.MISSING:
        return f"{frame.signal} of {frame.service} has no samples any more"
    normal = "unknown" if reading.normal is None else f"{significant(reading.normal.median):g}"
    now = "unknown" if reading.current is None else f"{significant(reading.current):g}"
    return f"{frame.signal} of {frame.service} is {now} {frame.unit}, usually {normal}".replace("  ", " ")


def _log_findings(log: LogFrame, view: SystemView, config: AnalysisConfig) -> list[Finding]:
    """Warning and error templates that are new or much more frequent; the rate of info lines follows traffic."""
    found = []
    for stats in mine(log.lines, view.window, view.baseline, config):
        worth_it = stats.severity is not Severity.INFO and stats.template != OVERFLOW
        if worth_it and stats.now >= config.min_log_lines and stats.surprise >= config.robust_z:
            found.append(_log_finding(log, stats, view, config))
    return found


def _log_finding(log: LogFrame, stats: TemplateStats, view: SystemView, config: AnalysisConfig) -> Finding:
    """One template as a finding; `current` and `baseline` are lines per second."""
    first_at = stats.first_at or view.window.start
    return Finding(
        service=log.service,
        signal=Signal.LOGS,
        shape=Shape.LOG_RATE if stats.before else Shape.NEW_LOG,
        metric=stats.template,
        onset=instant(first_at.timestamp()),
        magnitude=significant(min(stats.surprise, config.max_z)),
        current=significant(stats.rate_now),
        baseline=significant(stats.rate_before),
        text=f"{log.service} logs {'more often' if stats.before else 'for the first time'}: {stats.template}",
        evidence=(log.evidence,),
    )
