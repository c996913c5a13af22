"""A question to a model that nothing is decided by, such as a summary: no ladder, no confidence, the rules stand ready.

The same way of data as for decisions: policy, hidden and fenced by `Showing`, one corrective retry, restored. The local
model is asked first; another one only where it cannot answer at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from agents.data_policy import DataPolicy, may_leave
from agents.prompting import MAX_PROMPT_TOKENS, load
from agents.redaction import Redactor
from agents.rungs.conversation import Conversation
from agents.rungs.schema import response_schema
from agents.rungs.showing import Showing
from core.errors import InvalidInput, SourceError
from core.llm import ModelRequest, ModelTask, Purpose
from core.models import Model, Rung
from core.ports import ChatModel

T = TypeVar("T")

MODELS = (Rung.LOCAL, Rung.FRONTIER)


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """What is asked.

    Attributes:
        prompt: name of the file in `agents/prompts`.
        variables: of the prompt, made with `Showing` only, which hides and fences.
        response: model of the answer; its JSON Schema is sent along.
        choices: name of a field of the response -> all that may stand there.
        read: what the answer comes to; raises `core.errors.InvalidInput` when it makes no sense.
        services: whose data the prompt tells about: policy may keep them.
        deadline_seconds: None: the one configured for the task.
    """

    task: ModelTask
    prompt: str
    variables: Callable[[Showing], Mapping[str, str]]
    response: type[Model]
    read: Callable[[Any], T]
    services: frozenset[str]
    purpose: Purpose
    max_output_tokens: int
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deadline_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What came of a question.

    Attributes:
        value: None when no model gave a valid answer.
        rung, model, prompt_hash: who answered, with which wording; rules and empty when nobody did.
        invalid: a model answered, and its correction was not valid either: asking again would end the same way.
        notes: what was done aloud on the way, and why models gave no answer.
    """

    value: T | None = None
    rung: Rung = Rung.RULES
    model: str = ""
    prompt_hash: str = ""
    cost_usd: float = 0.0
    invalid: bool = False
    notes: tuple[str, ...] = ()


async def put(question: Question[T], models: Mapping[Rung, ChatModel], policy: DataPolicy) -> Reply[T]:
    """The answer of the first model that gives one. Never raises what a model can cause."""
    notes: list[str] = []
    cost_usd = 0.0
    for rung in MODELS:
        model = models.get(rung)
        if model is None:
            continue
        kept = may_leave(policy, rung, question.services)
        if kept is not None:
            notes.append(kept)
            continue
        talk = Conversation(model, Redactor.of(policy.of(rung)))
        try:
            value, prompt_hash = await _heard(question, talk)
        except InvalidInput as error:
            told = (*notes, *talk.notes, f"{rung}: invalid also after a correction: {error.message}")
            return Reply(cost_usd=cost_usd + talk.cost_usd, invalid=True, notes=told)
        except SourceError as error:
            notes += (*talk.notes, f"{rung}: {error.message}")
            cost_usd += talk.cost_usd
            continue
        return Reply(value, rung, talk.model_name, prompt_hash, cost_usd + talk.cost_usd, notes=(*notes, *talk.notes))
    return Reply(cost_usd=cost_usd, notes=tuple(notes))


async def _heard(question: Question[T], talk: Conversation) -> tuple[T, str]:
    """The value, and the hash of the prompt's wording.

    Raises:
        InvalidInput: the prompt is too large, or no answer was valid.
        SourceError: as `core.ports.ChatModel.complete`.
    """
    rendered = load(question.prompt).render(**question.variables(Showing(talk.redactor)))
    if rendered.tokens > MAX_PROMPT_TOKENS:
        raise InvalidInput(f"the prompt has {rendered.tokens} tokens", path="prompt")
    request = ModelRequest(
        task=question.task,
        messages=rendered.messages,
        response_schema=response_schema(question.response, _hidden(question.choices.items(), talk.redactor)),
        max_output_tokens=question.max_output_tokens,
        deadline_seconds=question.deadline_seconds,
        purpose=question.purpose,
    )
    return await talk.hear(request, question.response, question.choices, question.read), rendered.hash


def _hidden(choices: Iterable[tuple[str, tuple[str, ...]]], redactor: Redactor) -> dict[str, tuple[str, ...]]:
    return {name: tuple(redactor.hide(each) for each in values) for name, values in choices}
