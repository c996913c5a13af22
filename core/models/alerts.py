"""One notification from outside."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from core.models.base import Model, Severity, Utc


class AlertStatus(StrEnum):
    """Whether the condition holds."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(Model):
    """One notification: data from strangers, never instructions."""

    fingerprint: str = Field(min_length=1, max_length=128)
    status: AlertStatus
    name: str
    severity: Severity
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    starts_at: Utc
    ends_at: Utc | None = None
    source: str = Field(description="alertmanager, watch, cli ...")
    generator_url: str = ""
    service: str = Field(default="", description="resolved against the inventory; empty while unresolved")
