"""What a human is told."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from core.models.base import Model, Severity


class NoticeKind(StrEnum):
    """Why somebody is told."""

    APPROVAL = "approval"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


class Notice(Model):
    """One notice about one incident; channels decide how it looks."""

    kind: NoticeKind
    incident_id: str
    service: str = ""
    severity: Severity
    title: str
    what: str = Field(description="what is known: cause, or that none was found")
    why: str = Field(default="", description="why a human is told")
    next_steps: tuple[str, ...] = Field(default=(), description="commands that help, ready to paste")
