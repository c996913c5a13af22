"""What a model sees of the conversation: the newest results whole, older ones in a line, within a bound of tokens."""

from __future__ import annotations

from agents.looking.progress import Bounds, Progress
from core.llm import Message, ModelRequest, Speaker, ToolSpec
from core.tokens import request_tokens, tokens

RECALL = ToolSpec(
    name="recall_result",
    description="The whole result with an evidence id, of this look or of what was gathered before it.",
    parameters={
        "type": "object",
        "properties": {"evidence_id": {"type": "string", "description": "such as ev_1a2b3c4d5e6f"}},
        "required": ["evidence_id"],
        "additionalProperties": False,
    },
)

CONCLUDE = "No more queries. Answer now, as the schema says, from what you have seen."


def next_request(progress: Progress, tools: tuple[ToolSpec, ...], bounds: Bounds) -> ModelRequest:
    """The next turn, with the tools bound."""
    return _fitted(progress, (), (*tools, RECALL), bounds)


def last_request(progress: Progress, bounds: Bounds) -> ModelRequest:
    """The turn that must be the answer: no tools are bound."""
    return _fitted(progress, (Message(speaker=Speaker.USER, text=CONCLUDE),), (), bounds)


def may_go_on(progress: Progress, tools: tuple[ToolSpec, ...], bounds: Bounds) -> bool:
    """Whether another turn with tools can be afforded, and the answer after it."""
    request = next_request(progress, tools, bounds)
    turn = request_tokens(request, tokens) + request.max_output_tokens
    return progress.steps < bounds.steps and progress.used_tokens + 2 * turn <= bounds.total_tokens


def _fitted(progress: Progress, more: tuple[Message, ...], tools: tuple[ToolSpec, ...], bounds: Bounds) -> ModelRequest:
    """Each piece of evidence stands whole once, where it came last; old ones give way, oldest first, to their number
    and then to the bound of tokens. Nothing else does."""
    newest = {each.evidence: each for each in progress.results}
    standing = sorted(newest.values(), key=lambda each: each.index)
    keep = {each.index for each in standing[-bounds.whole_results :]}
    messages = list(progress.messages)
    for result in progress.results:
        if result.index not in keep:
            messages[result.index] = messages[result.index].model_copy(update={"text": result.short})
    request = _request(progress, (*messages, *more), tools)
    for index in sorted(keep):
        if request_tokens(request, tokens) <= bounds.prompt_tokens:
            break
        short = next(each.short for each in standing if each.index == index)
        messages[index] = messages[index].model_copy(update={"text": short})
        request = _request(progress, (*messages, *more), tools)
    return request


def _request(progress: Progress, messages: tuple[Message, ...], tools: tuple[ToolSpec, ...]) -> ModelRequest:
    return progress.request.model_copy(update={"messages": messages, "tools": tools})
