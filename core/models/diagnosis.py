"""What the agents decided and why."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from core.models.base import Model, Rung, Severity, Utc
from core.models.faults import FaultKind


class EscalationReason(StrEnum):
    """Why a rung handed over to the next."""

    LOW_CONFIDENCE = "low_confidence"
    UNKNOWN_PATTERN = "unknown_pattern"
    SEVERAL_COMPONENTS = "several_components"
    CRITICAL_SEVERITY = "critical_severity"
    INVALID_OUTPUT = "invalid_output"
    TIMEOUT = "timeout"
    OVER_BUDGET = "over_budget"
    RUNG_UNAVAILABLE = "rung_unavailable"
    ABSTAINED = "abstained"
    RUNGS_DISAGREE = "rungs_disagree"
    UNGROUNDED = "ungrounded"
    DATA_STAYS = "data_stays"


class Escalation(Model):
    """One step up the ladder."""

    from_rung: Rung
    to_rung: Rung
    reason: EscalationReason
    detail: str = ""


class Triage(Model):
    """What the classifier says of an incident before anything was measured."""

    category: str = Field(description="availability, errors, latency, saturation, data, unknown")
    severity: Severity
    service: str
    known: bool = False
    confidence: float = Field(ge=0, le=1)
    reason: str = ""


class Hypothesis(Model):
    """One possible cause."""

    service: str
    kind: FaultKind
    component: str = Field(default="", description="metric, release, endpoint ... that carries the fault")
    statement: str
    onset: Utc | None = None
    probability: float = Field(ge=0, le=1)
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()


class RuledOut(Model):
    """A service or kind that was considered and dropped."""

    service: str
    reason: str
    evidence: tuple[str, ...] = ()


class Diagnosis(Model):
    """Ranked hypotheses, or an abstention with its reason."""

    hypotheses: tuple[Hypothesis, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    confidence: float = Field(ge=0, le=1)
    rung: Rung = Rung.RULES
    abstained: str = Field(default="", description="why no cause is named; empty when one is")
    features: dict[str, float] = Field(
        default={}, description="what is known of the first hypothesis; the confidence is fitted on outcomes of these"
    )

    @property
    def first(self) -> Hypothesis | None:
        """The most probable cause, None after an abstention."""
        return self.hypotheses[0] if self.hypotheses and not self.abstained else None


class Decision(Model):
    """Any answer of an agent, kept forever."""

    id: str
    incident_id: str
    agent: str
    agent_version: str
    rung: Rung
    result: str = Field(description="the output model as canonical JSON")
    confidence: float = Field(ge=0, le=1)
    escalations: tuple[Escalation, ...] = ()
    prompt_hash: str = Field(default="", description="of the wording of the prompt; empty when no model answered")
    model: str = Field(default="", description="the model that answered; empty when none did")
    cost_usd: float = 0.0
    seconds: float = 0.0
    at: Utc
