"""What commands print with ``--json`` and the API answers, where a core model alone is not the answer.

docs/reference/json/ has the JSON Schema of each; fields are added, never renamed or removed, within a major version.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.configuration.problems import Problem
from core.llm import ModelTask
from core.models import (
    Alert,
    Approval,
    Attempt,
    Change,
    Decision,
    Evidence,
    Incident,
    Model,
    Resolution,
    Service,
    Suppression,
    TimelineEntry,
    Utc,
)
from core.ports import SourceStatus
from core.spending import CostBy, CostRow, ModelCall, Spent
from remediation.policy import ActionPolicy
from stores.audit import AuditEntry
from stores.copy_report import CopyReport


class IncidentList(Model):
    """Incidents, newest first."""

    incidents: tuple[Incident, ...]
    suppressed: tuple[Suppression, ...] = Field(
        default=(), description="alerts that started none, because their pattern was judged a false alarm before"
    )


class AlertList(Model):
    """Alerts as they were last heard of."""

    firing: tuple[Alert, ...] = Field(description="oldest first")
    suppressed: tuple[Suppression, ...] = Field(
        description="those that started no incident, with the reason; last heard of first"
    )


class Delivery(Model):
    """What became of one message to a human about an incident."""

    channel: str
    state: str = Field(description="pending, sent or dead")
    tries: int
    error: str = ""


class IncidentDetail(Model):
    """All that is on record about one incident."""

    incident: Incident
    alerts: tuple[Alert, ...]
    timeline: tuple[TimelineEntry, ...]
    evidence: tuple[Evidence, ...]
    decisions: tuple[Decision, ...]
    approvals: tuple[Approval, ...]
    actions: tuple[Attempt, ...]
    notices: tuple[Delivery, ...]
    calls: tuple[ModelCall, ...] = Field(default=(), description="of language models, oldest first")


class ExportedBundle(Model):
    """Where an incident was exported to."""

    incident_id: str
    path: str


class ApprovalList(Model):
    """Questions to a human, newest first."""

    approvals: tuple[Approval, ...]


class ActionList(Model):
    """Reserved executions, newest first."""

    actions: tuple[Attempt, ...]


class AuditPage(Model):
    """Entries of the audit trail, oldest first."""

    entries: tuple[AuditEntry, ...]
    next_after: int | None = Field(description="pass as `after` for the next page; null at the end")


class ServiceList(Model):
    """The inventory, by name."""

    services: tuple[Service, ...]


class ServiceExplanation(Model):
    """Which service some labels mean, and why."""

    labels: dict[str, str]
    resolution: Resolution
    service: Service | None


class PolicyState(Model):
    """What Quell may do: the policy, and whether all actions are stopped."""

    stopped: bool = Field(description="the kill switch: no action is carried out while it is on")
    source: str = Field(description="where the policy comes from")
    policy: ActionPolicy


class SentAlerts(Model):
    """What became of the posted alerts: they are kept, and a worker takes them in."""

    accepted: int = Field(description="number of alerts in the body")
    ids: tuple[int, ...] = Field(description="numbers in the inbox under which the bodies are kept")


class DoctorReport(Model):
    """Every integration, in the order in which they depend on each other."""

    ok: bool = Field(description="nothing that is configured is broken")
    checks: tuple[SourceStatus, ...]


class SchemaStatus(Model):
    """The database and its migrations."""

    database: str = Field(description="which one, without secrets")
    server: str = Field(description="the program behind it and its version")
    current: str = Field(description="empty for a new database")
    head: str
    up_to_date: bool


class DatabaseCopy(Model):
    """Everything was moved from one database to another."""

    source: str = Field(description="which one, without secrets")
    target: str = Field(description="which one, without secrets")
    copied: CopyReport


class ConfigValue(Model):
    """One setting."""

    key: str
    value: str = Field(description="as JSON; secrets are hidden")
    origin: str = Field(description="default, file, env or flag")


class ConfigListing(Model):
    """Every setting with its origin."""

    file: str = Field(description="empty when there is none")
    values: tuple[ConfigValue, ...]


class ConfigReport(Model):
    """The outcome of `quell config validate`."""

    ok: bool
    file: str
    problems: tuple[Problem, ...]


class AgentSummary(Model):
    """One agent as its spec declares it."""

    name: str
    version: str
    description: str
    input: str
    output: str
    tools: tuple[str, ...]
    rungs: tuple[str, ...]


class AgentList(Model):
    """Every agent."""

    agents: tuple[AgentSummary, ...]


class AgentPrompt(Model):
    """How a language model is asked for an agent's answer."""

    task: ModelTask = Field(description="decides which model is asked, and how long it may take")
    file: str
    hash: str = Field(description="of the wording; decisions carry it")
    tokens: int = Field(description="upper estimate of the wording, without what is filled in")
    variables: tuple[str, ...]
    max_output_tokens: int
    verified: bool = Field(description="a second look tries to refute the answer")
    may_call: tuple[str, ...] = Field(description="queries that the model may ask before it answers")
    decides: bool = Field(description="false: asked after the incident that needed it, for the next one")
    response_schema: dict[str, Any] = Field(description="JSON Schema of what the model answers")


class AgentDetail(AgentSummary):
    """All that is declared of one agent."""

    rules_seconds: float = Field(description="longest wait for the rules")
    cost_usd: float = Field(description="once a decision cost more, no further rung is asked")
    prompt: AgentPrompt | None = Field(description="null: no language model is asked")
    output_schema: dict[str, Any] = Field(description="JSON Schema of the answer")


class WatchRound(Model):
    """One look at the watched services."""

    at: Utc
    alerts: tuple[Alert, ...] = Field(description="what was posted: began or ended")
    incidents: tuple[Incident, ...] = Field(
        description="what the alerts that began belong to; with --once at their end"
    )


class ChangeList(Model):
    """Reported changes, oldest first."""

    changes: tuple[Change, ...]


class KeptChanges(Model):
    """What became of a report."""

    kept: int = Field(description="changes that were new")
    known: int = Field(description="changes that had been reported before")
    unknown_services: tuple[str, ...] = Field(
        default=(), description="names that the inventory does not know now: nobody will look there"
    )


class CostReport(Model):
    """What language models cost."""

    by: CostBy
    since: Utc | None = Field(description="null: from the beginning")
    rows: tuple[CostRow, ...] = Field(description="the dearest first; days: the newest first; empty by call")
    calls: tuple[ModelCall, ...] = Field(default=(), description="by call only: the newest first")
    total: CostRow = Field(description="of all calls since then, also those that the limit left out")
    budget: tuple[Spent, ...] = Field(description="how much of each cap is gone now")
