"""Stop a service."""

from __future__ import annotations

from core.models import Risk
from tools.actions.spec import ActionSpec, NoParameters

SPEC = ActionSpec(
    name="stop",
    description="Stop the service and leave it stopped: its callers lose it. For one that harms others.",
    parameters=NoParameters,
    risk=Risk.HIGH,
    expected_effect="the service no longer burdens others, whose signals are back at their baselines",
    undo="start",
)
