"""Watches the golden signals of services without any Alertmanager."""

from __future__ import annotations

from pydantic import Field

from core.models import Model


class WatchSettings(Model):
    """What `quell watch` and `quell serve` look at by themselves (`watch:` in quell.yaml)."""

    services: tuple[str, ...] = Field(default=(), description="names of services; empty means all of tier 1")
    interval_seconds: float = Field(default=60.0, gt=0, description="seconds between looks")
    for_ticks: int = Field(default=2, ge=1, description="looks in a row that must agree before an alert is sent")
