"""Every table. A column is named as the model field that it holds, so that one function maps them all.

Scalars have a column of their own; nested models, mappings and tuples are JSON. Columns that no model has (`position`,
`key`, `status` of an alert ...) exist to order, to look up or to keep things unique.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from core.models import AttemptState
from stores.types import AnyText, Compressed, UtcDateTime

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UNFINISHED = (AttemptState.RESERVED, AttemptState.RUNNING)
"""States in which an attempt holds the lock of its service."""


def _text(name: str, *, nullable: bool = False, primary_key: bool = False, unique: bool = False) -> Column[str]:
    return Column(name, AnyText, nullable=nullable, primary_key=primary_key, unique=unique)


def _time(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, Double, nullable=nullable)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _serial(name: str = "position") -> Column[int]:
    """Grows with each row: the order of insertion."""
    return Column(name, Integer, primary_key=True, autoincrement=True)


def _incident() -> Column[str]:
    return Column("incident_id", AnyText, ForeignKey("incidents.id"), nullable=False)


INCIDENTS = Table(
    "incidents",
    METADATA,
    _text("id", primary_key=True),
    _text("status"),
    _text("severity"),
    _text("title"),
    _text("service"),
    _text("autonomy"),
    _time("opened_at"),
    _time("updated_at"),
    _time("investigated_at", nullable=True),
    _time("ended_at", nullable=True),
    _json("alerts"),
    _text("trace_id"),
    _text("cause_service"),
    _text("cause_kind", nullable=True),
    _number("confidence", nullable=True),
    _text("rung"),
    _text("outcome"),
    _text("judged", nullable=True),
    _text("judged_service"),
    _text("judged_kind", nullable=True),
    _text("acknowledged_by"),
    _flag("stop_requested"),
    _number("cost_usd"),
    Index(None, "status", "opened_at"),
    Index(None, "service", "opened_at"),
    Index(None, "opened_at", "id"),
)

ALERTS = Table(
    "alerts",
    METADATA,
    _text("fingerprint", primary_key=True),
    _text("incident_id", primary_key=True),  # empty while an alert is recorded only, hence no foreign key
    _flag("current"),
    _text("status"),
    _json("alert"),
    _time("first_seen"),
    _time("last_seen"),
    _count("count"),
    Index(None, "incident_id"),
    Index(None, "status", "current"),
)

FEEDBACK = Table(
    "feedback",
    METADATA,
    _serial(),
    _text("pattern"),
    _text("service"),
    _text("name"),
    _text("shape"),
    _incident(),
    _text("judged"),
    _count("severity_rank"),
    _text("judged_by"),
    _time("judged_at"),
    UniqueConstraint("pattern", "incident_id"),
    Index(None, "incident_id"),
)

SUPPRESSIONS = Table(
    "suppressions",
    METADATA,
    _text("fingerprint", primary_key=True),
    Column("starts_at", UtcDateTime, primary_key=True),
    _text("pattern"),
    _text("service"),
    _text("name"),
    _text("severity"),
    _time("first_at"),
    _time("last_at"),
    _count("count"),
    _text("reason"),
    Index(None, "last_at"),
)

INBOX = Table(
    "inbox",
    METADATA,
    _serial("id"),
    _text("source"),
    Column("body", LargeBinary, nullable=False),
    _time("received_at"),
    _text("state"),
    _text("reason"),
    Index(None, "state", "id"),
)

TIMELINE = Table(
    "timeline",
    METADATA,
    _serial(),
    _incident(),
    _text("key", nullable=True),  # nulls differ from each other, so entries without a key are never duplicates
    _time("at"),
    _text("node"),
    _text("kind"),
    _text("text"),
    _json("data"),
    UniqueConstraint("incident_id", "key"),
    Index(None, "incident_id", "at"),
)

EVIDENCE = Table(
    "evidence",
    METADATA,
    _serial(),
    _text("id", unique=True),
    _incident(),
    _text("kind"),
    _text("tool"),
    _text("source"),
    _text("query"),
    _json("window"),
    _text("subject"),
    _json("digest"),
    _text("error"),
    _text("link"),
    Index(None, "incident_id"),
)

RECORDINGS = Table(
    "recordings",
    METADATA,
    _serial(),
    _incident(),
    _text("evidence_id"),
    _text("port"),
    _text("key"),
    Column("payload", Compressed, nullable=False),
    UniqueConstraint("incident_id", "port", "key"),
)

DECISIONS = Table(
    "decisions",
    METADATA,
    _serial(),
    _text("id", unique=True),
    _incident(),
    _text("agent"),
    _text("agent_version"),
    _text("rung"),
    _text("result"),
    _number("confidence"),
    _json("escalations"),
    _text("prompt_hash"),
    _text("model"),
    _number("cost_usd"),
    _number("seconds"),
    _time("at"),
    Index(None, "incident_id"),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    _serial(),
    _text("id", unique=True),
    _incident(),
    _text("service"),
    _json("proposal"),
    _text("proposal_hash"),
    _text("state"),
    _time("reserved_at"),
    _time("started_at", nullable=True),
    _time("ended_at", nullable=True),
    _json("outcome", nullable=True),
    _json("verification", nullable=True),
    _text("undo_of"),
    _flag("dry_run"),
    UniqueConstraint("incident_id", "proposal_hash", "undo_of"),
    Index(None, "service", "reserved_at"),
)

_UNFINISHED_ONLY = ATTEMPTS.c.state.in_(UNFINISHED)
Index(
    "uq_attempts_unfinished_service",
    ATTEMPTS.c.service,
    unique=True,
    sqlite_where=_UNFINISHED_ONLY,
    postgresql_where=_UNFINISHED_ONLY,
)

APPROVALS = Table(
    "approvals",
    METADATA,
    _serial(),
    _text("id", unique=True),
    _incident(),
    _json("proposal"),
    _text("proposal_hash"),
    _text("state"),
    _json("reasons"),
    _time("requested_at"),
    _time("decided_at", nullable=True),
    _text("decided_by"),
    _text("note"),
    UniqueConstraint("incident_id", "proposal_hash"),
    Index(None, "state"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    _serial("id"),
    _text("channel"),
    _text("key"),
    _json("payload"),
    _text("incident_id"),  # empty for notices about Quell itself, hence no foreign key
    _count("tries"),
    _text("state"),
    _time("next_at"),
    _text("error"),
    UniqueConstraint("channel", "key"),
    Index(None, "state", "next_at"),
    Index(None, "incident_id"),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    _time("at"),
    _text("actor"),
    _text("action"),
    _text("subject"),
    _json("detail"),
    _text("previous_hash"),
    _text("hash"),
    Index(None, "subject"),
)

AUDIT_HEAD = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _count("count"),
    _text("hash"),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("incident_id", AnyText, ForeignKey("incidents.id"), primary_key=True),
    _text("holder"),
    _count("token"),
    _time("expires_at"),
)

CALIBRATIONS = Table("calibrations", METADATA, _serial(), _time("at"), _json("fit"), _text("reason"))

HISTORIES = Table(
    "histories",
    METADATA,
    _text("series", primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("samples", Compressed, nullable=False),
    Index(None, "day"),
)

TEMPLATE_CLASSES = Table(
    "template_classes",
    METADATA,
    _text("service", primary_key=True),
    _text("template", primary_key=True),
    _text("severity"),
    _text("category"),
    _text("rung"),
    _time("at"),
    Index(None, "template"),
    Index(None, "service", "at"),
)

CHANGES = Table(
    "changes",
    METADATA,
    _serial(),
    _text("id", unique=True),
    _text("service"),  # empty for a commit of which only a deploy says where it went, hence no foreign key
    _text("kind"),
    _time("at"),
    _text("actor"),
    _text("before"),
    _text("after"),
    _text("detail"),
    _text("reference"),
    _text("text"),
    _json("paths"),
    _text("source"),
    _time("recorded_at"),
    Index(None, "service", "at"),
)

MODEL_CALLS = Table(
    "model_calls",
    METADATA,
    _serial(),
    _text("id", unique=True),
    _time("at"),
    _text("day"),  # of `at` in UTC, to sum by
    _time("expires_at"),
    _time("ended_at", nullable=True),
    _text("rung"),
    _text("model"),
    _text("task"),
    _text("agent"),
    _text("incident_id"),  # empty outside incidents; a read-only investigation keeps its incident to itself
    _text("service"),
    _text("user"),
    _text("outcome"),
    _count("prompt_tokens"),
    _count("output_tokens"),
    _number("reserved_usd"),
    _number("cost_usd"),
    _number("seconds"),
    Index(None, "at"),
    Index(None, "incident_id"),
    Index(None, "outcome", "expires_at"),
)

FLAGS = Table("flags", METADATA, _text("name", primary_key=True), _text("value"))
