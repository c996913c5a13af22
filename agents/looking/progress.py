"""What is known of a look so far: the conversation, what it cost, what was asked and what came back."""

from __future__ import annotations

import json

from pydantic import Field

from core.llm import Message, ModelReply, ModelRequest, Speaker, ToolCall
from core.models import Evidence, Model

MAX_ARGUMENT_CHARACTERS = 1_000
"""Of what a model writes as arguments; the longest that makes sense has less than a tenth."""


class Bounds(Model):
    """How far a model may look."""

    steps: int = Field(default=3, ge=0, description="turns with calls; then it must answer")
    calls: int = Field(default=4, ge=1, description="calls of one turn, run side by side")
    tries: int = Field(default=2, ge=1, description="of one question while its source does not answer")
    prompt_tokens: int = Field(
        default=5_900, ge=1, description="above it, old results leave the context, or no tools are bound at all"
    )
    total_tokens: int = Field(default=12_000, ge=1, description="prompts and answers of all turns together")
    whole_results: int = Field(default=6, ge=1, description="results that stay whole, the newest; older leave")
    result_tokens: int = Field(default=500, ge=100, description="upper estimate of the rows of one result")


class Result(Model):
    """The result of one call, as it stands in the conversation.

    Attributes:
        index: which message tells it.
        short: what stands there once it has left the context.
    """

    index: int
    evidence: str
    short: str


class Progress(Model):
    """A look after some turns; every step gives a new one.

    Attributes:
        request: the first request; its messages begin the conversation.
        messages: the whole conversation, nothing left out.
        asked: question -> what is said when it is asked again.
        tries: question -> how often its source did not answer.
        evidence: what was looked at, oldest first, each once.
        reply: the newest, with tokens, cost, time and notes of all of them.
    """

    request: ModelRequest
    messages: tuple[Message, ...]
    results: tuple[Result, ...] = ()
    asked: dict[str, str] = {}
    tries: dict[str, int] = {}
    evidence: tuple[Evidence, ...] = ()
    steps: int = 0
    calls: int = 0
    reply: ModelReply | None = None

    @property
    def pending(self) -> tuple[ToolCall, ...]:
        """Calls of the newest turn."""
        return self.messages[-1].tool_calls

    @property
    def used_tokens(self) -> int:
        """Of all prompts and answers so far, as the server counted them."""
        return self.reply.prompt_tokens + self.reply.output_tokens if self.reply else 0


class Looked(Model):
    """The end of a look.

    Attributes:
        reply: the answer, with tokens, cost, time and notes of all turns.
        evidence: what was looked at besides what the request showed; the answer may cite it.
        steps: turns with calls.
    """

    reply: ModelReply
    evidence: tuple[Evidence, ...]
    steps: int


def looked(progress: Progress) -> Looked:
    """The end of a look that heard at least one answer."""
    if progress.reply is None:
        raise ValueError("nobody was asked")
    reply = progress.reply.model_copy(update={"tool_calls": ()})
    return Looked(reply=reply, evidence=progress.evidence, steps=progress.steps)


def begun(request: ModelRequest) -> Progress:
    """Before the first turn."""
    return Progress(request=request, messages=request.messages)


def heard(progress: Progress, reply: ModelReply) -> Progress:
    """After an answer. Its calls get numbers of ours, as some servers give none and some clients random ones."""
    calls = tuple(
        ToolCall(
            id=f"call_{progress.calls + number}",
            name=each.name[:MAX_ARGUMENT_CHARACTERS],
            arguments=each.arguments[:MAX_ARGUMENT_CHARACTERS],
        )
        for number, each in enumerate(reply.tool_calls, 1)
    )
    said = Message(speaker=Speaker.ASSISTANT, text=reply.text, tool_calls=calls)
    return progress.model_copy(
        update={
            "messages": (*progress.messages, said),
            "calls": progress.calls + len(calls),
            "reply": _summed(progress.reply, reply),
        }
    )


def is_answer(text: str, request: ModelRequest) -> bool:
    """Whether a text is the structured answer that was asked for; whether it is valid is for the rung to judge."""
    if request.response_schema is None:
        return bool(text.strip())
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and set(request.response_schema.get("required", ())) <= set(found)


def _summed(before: ModelReply | None, now: ModelReply) -> ModelReply:
    if before is None:
        return now
    return now.model_copy(
        update={
            "prompt_tokens": before.prompt_tokens + now.prompt_tokens,
            "output_tokens": before.output_tokens + now.output_tokens,
            "cost_usd": before.cost_usd + now.cost_usd,
            "seconds": before.seconds + now.seconds,
            "notes": tuple(dict.fromkeys((*before.notes, *now.notes))),
        }
    )
