"""What an agent is: typed input, typed output, the queries it rests on, one function a rung, a budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from core.models import EscalationReason, Model, Rung

In = TypeVar("In")
Out = TypeVar("Out", bound=BaseModel)


class Budget(Model):
    """What one decision may cost."""

    rung_seconds: float = Field(default=30.0, gt=0, description="longest wait for one rung")
    cost_usd: float = Field(default=0.05, ge=0, description="once more than this is spent, no further rung is asked")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Out]):
    """What a rung says, and how sure it is (0..1)."""

    result: Out
    confidence: float
    cost_usd: float = 0.0


def no_concern(result: BaseModel) -> EscalationReason | None:
    """For agents whose results give no reason to climb besides their confidence."""
    return None


@dataclass(frozen=True, slots=True)
class AgentSpec(Generic[In, Out]):
    """One agent. It has no clock, no environment, no database and no side effects.

    Attributes:
        name: unique, as in decisions and docs.
        version: changes whenever an answer to the same input may change.
        tools: names of the queries whose evidence it rests on.
        rungs: how each step of the ladder answers; a rung that is missing is unavailable.
        concern: a reason to climb that shows in the result itself, whatever its confidence; None when there is none.
    """

    name: str
    version: str
    description: str
    input: type[In]
    output: type[Out]
    tools: tuple[str, ...]
    rungs: Mapping[Rung, Callable[[In], Awaitable[Answer[Out]]]]
    budget: Budget
    concern: Callable[[Out], EscalationReason | None] = no_concern
