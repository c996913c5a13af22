"""What an action consists of. How it is carried out is the actuator's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.models import ActionOutcome, Model, Risk


class NoParameters(Model):
    """The action needs nothing but its target."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    Attributes:
        parameters: model of the parameters; every value is a string on the wire.
        expected_effect: what the metrics should show when it worked.
        undo: name of the action that reverses it; empty when nothing needs reversing, or nothing can reverse it.
        undo_parameters: parameters of that action, from the outcome of this one; None when the outcome does not say
            what there was before, so that it cannot be reversed.
    """

    name: str
    description: str
    parameters: type[Model]
    risk: Risk
    expected_effect: str
    undo: str = ""
    undo_parameters: Callable[[ActionOutcome], dict[str, str] | None] = lambda outcome: {}

    @property
    def reversible(self) -> bool:
        """Whether another action takes it back."""
        return bool(self.undo)
