"""How many incidents are worked on at once, and for how long."""

from __future__ import annotations

from pydantic import Field

from core.models import Model


class WorkerSettings(Model):
    """The loop that runs incidents (`worker:` in quell.yaml)."""

    concurrency: int = Field(default=4, ge=1, le=64, description="incidents worked on at the same time")
    lease_seconds: float = Field(
        default=30.0, gt=0, description="a worker that is silent for this long loses its incident"
    )
    poll_seconds: float = Field(
        default=1.0, gt=0, description="how often the inbox and waiting incidents are looked at"
    )
    node_deadline_seconds: float = Field(default=120.0, gt=0, description="a step that takes longer is stopped")
