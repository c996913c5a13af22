"""Classifier agent: what kind of trouble the alerts speak of, before anything was measured."""

from __future__ import annotations

import re
from collections import Counter

from agents.models import TriageInput
from agents.rungs import triage as rung
from agents.spec import AgentSpec, Answer, Budget, Prompted
from core.llm import ModelTask
from core.models import Alert, EscalationReason, Rung, Severity, Triage

UNKNOWN = "unknown"

CATEGORIES: dict[str, tuple[str, ...]] = {
    "availability": (
        "down",
        "unavailable",
        "unreachable",
        "absent",
        "missing",
        "crash",
        "crashed",
        "probe",
        "restarts",
    ),
    "errors": ("error", "errors", "5xx", "failure", "failures", "failing", "failed", "exceptions"),
    "latency": ("latency", "slow", "slowness", "duration", "p95", "p99", "timeout", "timeouts", "apdex"),
    "saturation": ("cpu", "memory", "oom", "disk", "saturation", "throttling", "throttled", "queue", "pool", "load"),
    "data": ("replication", "lag", "corruption", "corrupt", "backup", "consistency"),
}
"""Words that give a category away, in the order in which ties are broken: what hurts users most comes first."""

CHOICES = (*CATEGORIES, UNKNOWN)
"""What a model may answer."""

SEVERITY_ORDER = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)

_WORDS = re.compile(r"\d+xx|p\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)


async def classify(given: TriageInput) -> Answer[Triage]:
    """Category by the words of the alerts' names, or of their summaries; severity by the worst alert.

    Confidence is ``0.5 + 0.5 x share of the alerts that agree on the category``, halved when no service was resolved;
    without a category it is 0.3.
    """
    votes = Counter(category for alert in given.alerts if (category := _category(alert)) != UNKNOWN)
    severity = max((alert.severity for alert in given.alerts), key=SEVERITY_ORDER.index, default=Severity.WARNING)
    best = max(CATEGORIES, key=lambda category: votes[category]) if votes else UNKNOWN
    agreement = votes[best] / len(given.alerts) if votes else 0.0
    confidence = 0.5 + 0.5 * agreement if votes else 0.3
    names = ", ".join(sorted({alert.name for alert in given.alerts})) or "no alert"
    triage = Triage(
        category=best,
        severity=severity,
        service=given.service,
        confidence=round(confidence if given.service else confidence / 2, 3),
        reason=f"{votes[best]} of {len(given.alerts)} alerts speak of {best}: {names}",
    )
    return Answer(triage, triage.confidence)


def concern(triage: Triage) -> EscalationReason | None:
    """Alerts that fit no category are a pattern that the rules do not know."""
    return EscalationReason.UNKNOWN_PATTERN if triage.category == UNKNOWN else None


def _category(alert: Alert) -> str:
    """The first category whose words the alert uses."""
    for text in (alert.name, alert.annotations.get("summary", ""), alert.annotations.get("description", "")):
        words = {word.lower() for word in _WORDS.findall(text)}
        for category, known in CATEGORIES.items():
            if words.intersection(known):
                return category
    return UNKNOWN


SPEC = AgentSpec(
    name="classifier",
    version="1",
    description="Says what kind of trouble the alerts speak of, how bad it is, and which service shows it.",
    input=TriageInput,
    output=Triage,
    tools=("active_alerts",),
    rungs={Rung.RULES: classify},
    budget=Budget(rung_seconds=10),
    concern=concern,
    prompted=Prompted(
        task=ModelTask.CLASSIFICATION,
        prompt="classifier",
        response=rung.TriageResponse,
        worth_asking=rung.worth_asking,
        services=rung.services,
        variables=lambda given, rules, showing: rung.variables(given, rules, showing, CHOICES),
        choices=lambda given, rules: {"category": CHOICES},
        evidence=lambda given: given.evidence,
        read=lambda said, given, rules, evidence: rung.read(said, given, rules, evidence, len(CATEGORIES)),
        max_output_tokens=250,
    ),
    same=rung.same,
    weighty=False,
)
