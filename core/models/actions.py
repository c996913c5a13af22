"""Proposals, verdicts, attempts: from an idea to a verified effect."""

from __future__ import annotations

import json
from enum import StrEnum

from pydantic import Field

from core.models.base import Autonomy, Model, Utc, content_id
from core.models.evidence import Signal


class Risk(StrEnum):
    """How much an action can hurt."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ActionOption(Model):
    """An action of the registry as an agent sees it; derived from the registry, never written twice."""

    name: str
    description: str
    risk: Risk
    undo: str = ""
    parameters_schema: str = Field(default="{}", description="JSON Schema of the parameters")


class Check(Model):
    """What the metrics must show for an action to have worked."""

    service: str
    signal: Signal
    description: str


class Proposal(Model):
    """An action from the registry with typed parameters that name things in the inventory."""

    action: str
    service: str
    parameters: dict[str, str] = {}
    hypothesis: str = Field(description="statement of the hypothesis it follows from")
    confidence: float = Field(ge=0, le=1)
    evidence: tuple[str, ...] = ()
    expected_effect: str
    success_checks: tuple[Check, ...] = ()
    undo: str = Field(default="", description="name of the action that reverses it; empty when nothing needs reversing")
    undo_parameters: dict[str, str] = {}
    risk: Risk
    runbook: str = ""
    unsure: str = Field(default="", description="why a human must decide whatever the autonomy; empty when none must")

    @property
    def hash(self) -> str:
        """Names what would be done, and nothing else: the same action with other words has the same hash."""
        return content_id("prop", self.action, self.service, json.dumps(self.parameters, sort_keys=True))


class Effect(StrEnum):
    """What the guard says."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class GuardReason(Model):
    """One rule's word on a proposal."""

    rule: str
    effect: Effect
    detail: str = ""


class GuardFacts(Model):
    """All that the guard rules may look at, read at one instant; kept so that a verdict can be replayed."""

    at: Utc
    kill_switch: bool = False
    dry_run: bool = False
    undo: bool = Field(default=False, description="the proposal reverses an earlier attempt of this incident")
    autonomy: Autonomy
    protected: bool
    target_resolved: bool
    policy_effect: Effect = Field(description="what the action policy says of this action on this service")
    policy_rule: str = Field(default="", description="name of the policy entry that matched")
    actions_last_hour: int = Field(default=0, description="attempts on the service in the last hour, undo not counted")
    max_actions_per_hour: int = 3
    seconds_since_last_action: float | None = None
    cooldown_seconds: float = 0.0
    attempts_this_incident: int = 0
    max_attempts: int = 3
    last_action_failed: bool = False
    same_action_tried: bool = False
    approved: bool | None = Field(default=None, description="a human's answer to this proposal; None when not asked")
    evidence_age_seconds: float = 0.0
    max_evidence_age_seconds: float = 300.0
    still_anomalous: bool | None = Field(default=None, description="re-read just now; None when it could not be read")
    blast_radius: int = Field(default=0, description="services that depend on the target, directly or not")


class Verdict(Model):
    """`allow`, `ask` or `deny`, with every rule that had something to say."""

    proposal_hash: str
    effect: Effect
    reasons: tuple[GuardReason, ...]
    facts: GuardFacts

    @property
    def deciding(self) -> GuardReason:
        """The first rule that set the effect."""
        return next(reason for reason in self.reasons if reason.effect == self.effect)


class AttemptState(StrEnum):
    """Where a reserved execution stands."""

    RESERVED = "reserved"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Recovery(StrEnum):
    """What the metrics said after an action."""

    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    UNREADABLE = "unreadable"


class Verification(Model):
    """The metrics' word on whether an action helped."""

    recovery: Recovery
    seconds: float
    detail: str
    evidence: tuple[str, ...] = ()


class ActionOutcome(Model):
    """What an actuator reports."""

    ok: bool
    detail: str
    before: str = Field(default="", description="what undo needs to know: release, replica count ...")
    after: str = ""


class Attempt(Model):
    """A reserved execution of a proposal."""

    id: str
    incident_id: str
    proposal: Proposal
    proposal_hash: str
    state: AttemptState
    reserved_at: Utc
    started_at: Utc | None = None
    ended_at: Utc | None = None
    outcome: ActionOutcome | None = None
    verification: Verification | None = None
    undo_of: str = Field(default="", description="attempt that this one reverses")
    dry_run: bool = False


class ApprovalState(StrEnum):
    """Where a request to a human stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Approval(Model):
    """A question to a human about one proposal, keyed by incident and proposal hash."""

    id: str
    incident_id: str
    proposal: Proposal
    proposal_hash: str
    state: ApprovalState
    reasons: tuple[GuardReason, ...] = ()
    requested_at: Utc
    decided_at: Utc | None = None
    decided_by: str = ""
    note: str = ""
