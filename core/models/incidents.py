"""Alerts of one cause, and what happened to them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from core.models.base import Autonomy, Model, Severity, Utc
from core.models.faults import FaultKind


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    AWAITING_APPROVAL = "awaiting_approval"
    HEALING = "healing"
    VERIFYING = "verifying"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    CLOSED = "closed"


LIVE = (
    IncidentStatus.OPEN,
    IncidentStatus.INVESTIGATING,
    IncidentStatus.AWAITING_APPROVAL,
    IncidentStatus.HEALING,
    IncidentStatus.VERIFYING,
)
"""Statuses in which a worker still has something to do, or waits for an answer."""

ATTENTION = (*LIVE, IncidentStatus.ESCALATED)
"""Statuses in which a new alert of the same service joins the incident instead of opening another."""


class Judgement(StrEnum):
    """How a human judged a closed incident."""

    REAL = "real"
    FALSE_ALARM = "false-alarm"


class Ending(StrEnum):
    """Why the run of an incident ended."""

    RECOVERED = "recovered"
    RECOVERED_ALONE = "recovered_alone"
    NO_CAUSE = "no_cause"
    NO_ACTION = "no_action"
    DENIED = "denied"
    OBSERVED = "observed"
    REJECTED = "rejected"
    ACTION_UNKNOWN = "action_unknown"
    EXHAUSTED = "exhausted"
    UNVERIFIED = "unverified"


class Incident(Model):
    """Alerts of one cause."""

    id: str
    status: IncidentStatus
    severity: Severity
    title: str
    service: str = Field(default="", description="where the symptom shows; empty when no service was resolved")
    autonomy: Autonomy
    opened_at: Utc
    updated_at: Utc
    ended_at: Utc | None = None
    investigated_at: Utc | None = Field(default=None, description="instant that the analysed window ends at")
    alerts: tuple[str, ...] = Field(default=(), description="fingerprints")
    trace_id: str = ""
    cause_service: str = ""
    cause_kind: FaultKind | None = None
    confidence: float | None = None
    rung: str = ""
    outcome: str = Field(default="", description="one line: how it ended")
    judged: Judgement | None = None
    judged_service: str = Field(default="", description="the service that a human says it was; empty: nobody said")
    judged_kind: FaultKind | None = Field(default=None, description="what a human says was wrong with it")
    acknowledged_by: str = ""
    stop_requested: bool = False
    cost_usd: float = 0.0


class TimelineEntry(Model):
    """One line of an incident's story."""

    at: Utc
    node: str = ""
    kind: str = Field(description="alert, node, decision, verdict, action, verification, outage, note ...")
    text: str
    data: dict[str, str] = {}
