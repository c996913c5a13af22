"""Return a service to an earlier release."""

from __future__ import annotations

from pydantic import Field

from core.models import ActionOutcome, Model, Risk
from tools.actions.spec import ActionSpec


class RollbackParameters(Model):
    """Where to go back to."""

    release: str = Field(default="", max_length=200, description="empty: the release before the one that runs")


def to_release_before(outcome: ActionOutcome) -> dict[str, str] | None:
    """The way back: to the release that ran before the rollback."""
    return {"release": outcome.before} if outcome.before else None


SPEC = ActionSpec(
    name="rollback",
    description="Return the service to an earlier release and restart it there. Helps when errors began with a deploy.",
    parameters=RollbackParameters,
    risk=Risk.MEDIUM,
    expected_effect="the service runs the earlier release, with errors and latency back at their baselines",
    undo="rollback",
    undo_parameters=to_release_before,
)
