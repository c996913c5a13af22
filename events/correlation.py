"""Which incident an alert belongs to, decided without I/O."""

from __future__ import annotations

from pydantic import Field

from core.models import Model


class CorrelationSettings(Model):
    """How alerts are joined into incidents (`correlation:` in quell.yaml)."""

    window_seconds: float = Field(
        default=900.0, ge=0, description="an alert this soon after its incident resolved is noted there as a recurrence"
    )
