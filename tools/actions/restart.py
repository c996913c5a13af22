"""Stop a service and start it again, on the release that it runs."""

from __future__ import annotations

from core.models import Risk
from tools.actions.spec import ActionSpec, NoParameters

SPEC = ActionSpec(
    name="restart",
    description="Stop the service and start it again on the same release. Helps a process that hangs, leaks or spins.",
    parameters=NoParameters,
    risk=Risk.LOW,
    expected_effect="the service answers again, with errors, latency and CPU back at their baselines",
)
