"""Change how many replicas of a service run."""

from __future__ import annotations

from pydantic import Field

from core.models import ActionOutcome, Model, Risk
from tools.actions.spec import ActionSpec


class ScaleParameters(Model):
    """How many there are to be."""

    replicas: int = Field(ge=1, le=100, description="number of replicas afterwards; to have none, stop the service")


def to_replicas_before(outcome: ActionOutcome) -> dict[str, str] | None:
    """The way back: to as many as there were; None from a service that was stopped, or whose count is not known."""
    return {"replicas": outcome.before} if outcome.before.isdigit() and int(outcome.before) > 0 else None


SPEC = ActionSpec(
    name="scale",
    description="Run this many replicas of the service. Helps against more traffic than the present ones can serve.",
    parameters=ScaleParameters,
    risk=Risk.MEDIUM,
    expected_effect="the load is shared: latency, errors and CPU of each replica back at their baselines",
    undo="scale",
    undo_parameters=to_replicas_before,
)
