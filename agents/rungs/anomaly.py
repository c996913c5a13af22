"""How a model is asked whether a system left its normal. Findings stay as they were measured, whatever it answers."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agents.grounding import existing, ground
from agents.models import AnomalyInput, Assessment, Findings
from agents.rungs.confidence import contradiction_of
from agents.rungs.showing import NONE, Showing, clock, templates_of
from agents.spec import Claim
from analysis.causes.confidence import saturation
from analysis.patterns.library import LIBRARY
from core.models import Evidence, LogChange, Model, Rung, SeriesDigest, Severity
from core.models.usual import Past, Usual

NO_PATTERN = "none"
PATTERNS = (NO_PATTERN, *dict.fromkeys(pattern.name for pattern in LIBRARY))
SEVERITIES = tuple(severity.value for severity in Severity)
SERIES_TOKENS, LOG_TOKENS, FINDING_TOKENS = 1_500, 600, 900


class AnomalyResponse(Model):
    """What the model answers."""

    detected: bool
    confidence: float = Field(ge=0, le=1)
    severity: str
    pattern: str
    recommendation: str
    evidence: list[str]


def worth_asking(given: AnomalyInput, rules: Findings | None) -> bool:
    """The statistics are the filter: what they find nothing in is shown to no model."""
    return rules is not None and bool(rules.findings)


def services(given: AnomalyInput) -> frozenset[str]:
    """All that were measured."""
    measured = {frame.service for frame in given.view.signals} | {frame.service for frame in given.view.logs}
    return frozenset(measured | {given.view.symptom} | {state.state.service for state in given.view.states})


def variables(given: AnomalyInput, rules: Findings | None, showing: Showing) -> dict[str, str]:
    """Of the prompt."""
    series = [(row, one.id) for one in given.evidence for row in one.digest.series]
    series.sort(key=lambda each: -abs(each[0].deviation or 0.0))
    subjects = dict.fromkeys(finding.service for finding in rules.findings) if rules else {}
    logs = (
        f"{showing.line(service, 60)}: {showing.template(row, identity)}"
        for service in subjects
        for row, identity in templates_of(given.evidence, service)
        if row.change is not LogChange.STEADY
    )
    told = (_series(row, identity, showing) for row, identity in series)
    window = given.view.window
    return {
        "symptom": showing.line(given.view.symptom, 80) or "(not known)",
        "window": f"{clock(window.start)} to {clock(window.end)} UTC, {window.seconds:g} s",
        "series": showing.block(told, SERIES_TOKENS, "series", len(series)),
        "logs": showing.block(logs, LOG_TOKENS, "templates"),
        "findings": showing.findings(rules.findings, FINDING_TOKENS) if rules else NONE,
        "patterns": ", ".join(PATTERNS),
    }


def choices(given: AnomalyInput, rules: Findings | None) -> dict[str, tuple[str, ...]]:
    """Closed lists of the answer."""
    return {"severity": SEVERITIES, "pattern": PATTERNS}


def read(
    said: AnomalyResponse, given: AnomalyInput, rules: Findings | None, evidence: Mapping[str, Evidence]
) -> Claim[Findings]:
    """The judgement, held against the evidence."""
    story = ground(said.recommendation, evidence, cites=said.evidence)
    cites, missing = existing((*said.evidence, *story.cites), evidence)
    findings = rules.findings if rules else ()
    strongest = max((abs(finding.magnitude) for finding in findings), default=0.0)
    real = saturation(strongest, given.config.robust_z)
    bearing = tuple(one for one in cites if any(one in finding.evidence for finding in findings))

    def settle(confidence: float, rung: Rung) -> Findings:
        assessment = Assessment(
            detected=said.detected,
            confidence=confidence,
            severity=Severity(said.severity),
            pattern="" if said.pattern == NO_PATTERN else said.pattern,
            recommendation=story.text[:500],
            evidence=cites,
        )
        return Findings(findings=findings, assessment=assessment)

    return Claim(
        settle=settle,
        own=said.confidence,
        support=real if said.detected else 1 - real,
        cites=bearing,
        dropped=len(missing) + len(cites) - len(bearing),
        story=story,
        groundless="nothing that it cites was found unusual" if (missing or cites) and not bearing else "",
        contradiction=contradiction_of(said.recommendation, said.confidence),
        said=f"the system {'left' if said.detected else 'did not leave'} its normal",
    )


def same(one: Findings, other: Findings) -> bool | None:
    """Whether both see an anomaly, or both see none."""
    return _detected(one) == _detected(other)


def _detected(result: Findings) -> bool:
    return bool(result.findings) if result.assessment is None else result.assessment.detected


def _series(row: SeriesDigest, identity: str, showing: Showing) -> str:
    """Current, baseline just before, last 24 hours, same hour."""
    by_past = {usual.past: usual for usual in row.usual}
    same_hour = by_past.get(Past.SAME_HOUR_OF_WEEK) or by_past.get(Past.SAME_HOUR)
    parts = [
        f"current {_number(row.current)}",
        f"baseline {_number(row.baseline)}",
        f"last 24 h {_range(by_past.get(Past.LAST_DAY))}",
        f"same hour {_range(same_hour)}",
        f"z {_number(row.deviation)}",
    ]
    name = showing.line(f"{row.subject} {row.metric} {row.unit}".strip(), 90)
    return f"{name}: {', '.join(parts)} [{identity}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _range(usual: Usual | None) -> str:
    return "-" if usual is None else f"{usual.median:.4g} ({usual.low:.4g} to {usual.high:.4g})"
