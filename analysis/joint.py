"""Metrics and logs of one service looked at together.

Two sources that are independent of each other and each a little unusual at the same time are together as unusual as
one that is more so: Stouffer's z, (a + b) / sqrt(2) ("The American Soldier", 1949). So a source that agrees with
another one counts from ``robust_z / sqrt(2)`` on.
"""

from __future__ import annotations

from math import sqrt

from analysis.config import AnalysisConfig
from analysis.findings import LogSign, log_signs, series_finding
from analysis.view import LogFrame, SystemView
from core.models import Finding


def log_findings(
    log: LogFrame, findings: list[Finding], view: SystemView, config: AnalysisConfig
) -> tuple[list[Finding], list[Finding]]:
    """Findings from one service's log, and those of its metrics that count only because the log agrees.

    Args:
        findings: of all series.
    """
    least = config.robust_z / sqrt(2)
    signs = [sign for sign in log_signs(log, view, config) if sign.finding.magnitude >= least]
    told = [sign.finding for sign in signs if _counts(sign, config)]
    if not signs:
        return [], []
    own = [finding for finding in findings if finding.service == log.service]
    weak = _weak_metrics(log.service, {finding.signal for finding in own}, view, config, least)
    agreeing: list[Finding] = []
    for sign in signs:
        partners = [one for one in weak if _agree(one, sign.finding, config)]
        agreeing += [one for one in partners if one not in agreeing]
        if not _counts(sign, config) and (partners or any(_agree(one, sign.finding, config) for one in own)):
            told.append(_just_unusual(sign.finding, config))
    return told, [_just_unusual(one, config) for one in agreeing]


def _counts(sign: LogSign, config: AnalysisConfig) -> bool:
    """Whether the lines are unusual by themselves."""
    return sign.lines >= config.min_log_lines and sign.finding.magnitude >= config.robust_z


def _weak_metrics(
    service: str, found: set[str], view: SystemView, config: AnalysisConfig, least: float
) -> list[Finding]:
    """What would be findings of the service's other series if less were demanded."""
    relaxed = config.model_copy(update={"robust_z": least})
    frames = [frame for frame in view.signals if frame.service == service and frame.signal not in found]
    return [weak for frame in frames if (weak := series_finding(frame, view, relaxed)) is not None]


def _agree(metric: Finding, line: Finding, config: AnalysisConfig) -> bool:
    """Whether both began at the same time, as far as that is known, and are unusual together."""
    apart_seconds = abs((metric.onset - line.onset).total_seconds())
    blur_seconds = metric.onset_uncertainty_seconds + 2 * config.step_seconds + config.rate_window_seconds
    together = (abs(metric.magnitude) + line.magnitude) / sqrt(2)
    return apart_seconds <= blur_seconds and together >= config.robust_z


def _just_unusual(finding: Finding, config: AnalysisConfig) -> Finding:
    """A finding that counts because another one agrees: as much as one at the threshold."""
    sign = -1 if finding.magnitude < 0 else 1
    magnitude = sign * max(abs(finding.magnitude), config.robust_z)
    return finding.model_copy(update={"magnitude": magnitude, "text": f"{finding.text} (metrics and log agree)"})
