"""How a model is asked what kind of trouble alerts speak of. Severity and service are the alerts', never a model's."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agents.fencing import Stranger, fence
from agents.grounding import existing, ground
from agents.models import TriageInput
from agents.rungs.confidence import contradiction_of
from agents.rungs.showing import NONE, Showing
from agents.spec import Claim
from core.models import Alert, Evidence, Model, Rung, Triage

UNKNOWN = "unknown"
ALERT_CHARACTERS = 2_400
MAX_ALERTS = 12


class TriageResponse(Model):
    """What the model answers."""

    category: str
    confidence: float = Field(ge=0, le=1)
    reason: str
    evidence: list[str]


def worth_asking(given: TriageInput, rules: Triage | None) -> bool:
    """Without an alert there is nothing to classify."""
    return bool(given.alerts)


def services(given: TriageInput) -> frozenset[str]:
    """The one that the alerts belong to."""
    return frozenset({given.service})


def variables(
    given: TriageInput, rules: Triage | None, showing: Showing, categories: tuple[str, ...]
) -> dict[str, str]:
    """Of the prompt."""
    told = [_told(alert) for alert in given.alerts[:MAX_ALERTS]]
    if len(given.alerts) > MAX_ALERTS:
        told.append(f"({len(given.alerts) - MAX_ALERTS} more alerts are left out)")
    text = showing.redactor.hide("\n".join(told))
    return {
        "categories": ", ".join(categories),
        "service": showing.line(given.service, 80) or "(not known)",
        "alerts": fence(text, Stranger.ANNOTATION, max_characters=ALERT_CHARACTERS),
        "rules": showing.line(f"{rules.category} ({rules.confidence:g})") if rules else NONE,
        "evidence": showing.digests(given.evidence, 600),
    }


def read(
    said: TriageResponse,
    given: TriageInput,
    rules: Triage | None,
    evidence: Mapping[str, Evidence],
    categories: int,
) -> Claim[Triage]:
    """The category, held against the evidence."""
    story = ground(said.reason, evidence, cites=said.evidence)
    cites, missing = existing((*said.evidence, *story.cites), evidence)
    base = rules or Triage(
        category=UNKNOWN,
        severity=max((alert.severity for alert in given.alerts), key=lambda one: one.rank),
        service=given.service,
        confidence=0.0,
    )

    def settle(confidence: float, rung: Rung) -> Triage:
        return base.model_copy(update={"category": said.category, "confidence": confidence, "reason": story.text[:500]})

    support = None
    if rules is not None and rules.category != UNKNOWN:
        same = said.category == rules.category
        support = rules.confidence if same else (1 - rules.confidence) / max(1, categories - 1)
    return Claim(
        settle=settle,
        own=said.confidence,
        support=support,
        cites=cites,
        dropped=len(missing),
        story=story,
        groundless="every citation of it is made up" if missing and not cites else "",
        contradiction=contradiction_of(said.reason, said.confidence),
        said=f"the alerts speak of {said.category}",
    )


def same(one: Triage, other: Triage) -> bool | None:
    """Whether the categories are the same; unknown says nothing."""
    if UNKNOWN in (one.category, other.category):
        return None
    return one.category == other.category


def _told(alert: Alert) -> str:
    labels = ", ".join(f"{key}={value}" for key, value in sorted(alert.labels.items()))
    notes = " ".join(alert.annotations.get(key, "") for key in ("summary", "description")).strip()
    return f"{alert.name} ({alert.severity}) {labels}: {notes}"
