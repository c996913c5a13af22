"""Start a service that is not running."""

from __future__ import annotations

from core.models import Risk
from tools.actions.spec import ActionSpec, NoParameters

# Nothing reverses a start: the service was meant to run, and stopping it again would only add to an outage.
SPEC = ActionSpec(
    name="start",
    description="Start the service, which was stopped or has exited. Does nothing to one that runs.",
    parameters=NoParameters,
    risk=Risk.LOW,
    expected_effect="the service is up, and its callers' errors are back at their baselines",
)
