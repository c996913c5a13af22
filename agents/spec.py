"""What an agent is: typed input, typed output, the queries it rests on, one function a rung, a budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from agents.grounding import Grounded
from agents.rungs.showing import Showing
from core.llm import ModelTask
from core.models import EscalationReason, Evidence, Model, Rung

In = TypeVar("In")
Out = TypeVar("Out", bound=BaseModel)


class Budget(Model):
    """What one decision may cost."""

    rung_seconds: float = Field(default=30.0, gt=0, description="longest wait for the rules")
    cost_usd: float = Field(default=0.05, ge=0, description="once more than this is spent, no further rung is asked")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Out]):
    """What a rung says, and how sure it is (0..1).

    Attributes:
        unsure: why a human must confirm what follows from it, whatever the autonomy; empty when none must.
        prompt_hash: of the wording of the prompt, when a model answered.
        model: that answered.
        notes: what was done aloud on the way.
    """

    result: Out
    confidence: float
    cost_usd: float = 0.0
    unsure: str = ""
    prompt_hash: str = ""
    model: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a rung gave none, and what that cost."""

    reason: EscalationReason
    detail: str
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim(Generic[Out]):
    """What a model's answer comes to, once it was held against the evidence.

    Attributes:
        settle: the result with the confidence that was found, and the rung it was found on.
        own: the model's own confidence.
        support: probability that the rules give to the same answer; None when they have no opinion.
        cites: ids of the evidence that bears on the answer.
        dropped: how many citations did not exist or told nothing of what is claimed.
        story: the model's own words.
        groundless: why nothing that it rests on is left; empty when something is.
        contradiction: how its words contradict its answer; empty when they do not.
        unsure: why a human must confirm it, whatever the autonomy.
        recall: worth of a past resolution that names the same, 0..1.
        at_most: no confidence above it makes sense.
        said: the answer in a line, for the model that verifies it.
    """

    settle: Callable[[float, Rung], Out]
    own: float
    support: float | None
    cites: tuple[str, ...]
    dropped: int
    story: Grounded
    groundless: str = ""
    contradiction: str = ""
    unsure: str = ""
    recall: float = 0.0
    at_most: float = 1.0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Prompted(Generic[In, Out]):
    """How a language model is asked for an agent's answer.

    Attributes:
        task: decides which model is asked, and how long it may take.
        prompt: name of the file in `agents/prompts`.
        response: model of the answer; its JSON Schema is sent along.
        worth_asking: whether there is anything to judge; otherwise no model is asked at all.
        services: whose data the prompt tells about: policy may keep them.
        variables: of the prompt, made with `Showing` only, which hides and fences.
        choices: name of a field of the response -> all that may stand there.
        evidence: all that may be cited.
        read: the response, held against the input; raises `core.errors.InvalidInput` when it makes no sense.
        verified: whether a second look tries to refute an answer that the rules do not give as well.
        looks: whether the model may ask for more evidence.
    """

    task: ModelTask
    prompt: str
    response: type[Model]
    worth_asking: Callable[[In, Out | None], bool]
    services: Callable[[In], frozenset[str]]
    variables: Callable[[In, Out | None, Showing], Mapping[str, str]]
    choices: Callable[[In, Out | None], Mapping[str, tuple[str, ...]]]
    evidence: Callable[[In], tuple[Evidence, ...]]
    read: Callable[[Any, In, Out | None, Mapping[str, Evidence]], Claim[Out]]
    max_output_tokens: int = 700
    verified: bool = False
    looks: bool = False


@dataclass(frozen=True, slots=True)
class Studied:
    """How a model is asked afterwards, outside any decision, for answers that are kept for the next one.

    Attributes:
        task, prompt, response: as of `Prompted`.
        max_output_tokens: of the largest batch.
    """

    task: ModelTask
    prompt: str
    response: type[Model]
    max_output_tokens: int


def no_concern(result: BaseModel) -> EscalationReason | None:
    """For agents whose results give no reason to climb besides their confidence."""
    return None


def equal(one: BaseModel, other: BaseModel) -> bool | None:
    """For agents whose results agree when they are the same."""
    return one == other


@dataclass(frozen=True, slots=True)
class AgentSpec(Generic[In, Out]):
    """One agent. It has no clock, no environment, no database and no side effects.

    Attributes:
        name: unique, as in decisions and docs.
        version: changes whenever an answer to the same input may change.
        tools: names of the queries whose evidence it rests on.
        rungs: how each step of the ladder answers that asks no model; a rung that is missing is unavailable.
        concern: a reason to climb that shows in the result itself, whatever its confidence; None when there is none.
        prompted: how a model is asked on the rungs that are not in `rungs`; None: none is.
        studied: how a model is asked once no decision waits for it; None: none is.
        same: whether two results say the same; None when one of them says nothing.
        weighty: whether something is done on its word: only then critical severity alone is a reason to climb.
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
    prompted: Prompted[In, Out] | None = None
    studied: Studied | None = None
    same: Callable[[Out, Out], bool | None] = equal
    weighty: bool = True
