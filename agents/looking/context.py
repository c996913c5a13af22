"""What a model sees of the conversation: the newest results whole, older ones in a line, within a bound of tokens."""

from __future__ import annotations

from agents.looking.progress import Bounds, Progress, Result
from agents.prompting import load
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
    """The next turn, with the tools bound and what is said of them."""
    said = load("looking").render(steps=str(bounds.steps), calls=str(bounds.calls)).user
    return _fitted(progress, Message(speaker=Speaker.USER, text=said), None, (*tools, RECALL), bounds)


def last_request(progress: Progress, bounds: Bounds) -> ModelRequest:
    """The turn that must be the answer: no tools are bound."""
    asked = len(progress.messages) > len(progress.request.messages)
    return _fitted(progress, None, Message(speaker=Speaker.USER, text=CONCLUDE) if asked else None, (), bounds)


def has_room(progress: Progress, tools: tuple[ToolSpec, ...], bounds: Bounds) -> bool:
    """Whether the tools and a result fit the prompt; where they do not, the model answers from what it is shown."""
    size = request_tokens(next_request(progress, tools, bounds), tokens)
    return bounds.steps > 0 and size + bounds.result_tokens <= bounds.prompt_tokens


def may_go_on(progress: Progress, tools: tuple[ToolSpec, ...], bounds: Bounds) -> bool:
    """Whether another turn with tools can be afforded, and the answer after it."""
    request = next_request(progress, tools, bounds)
    turn = request_tokens(request, tokens) + request.max_output_tokens
    return progress.steps < bounds.steps and progress.used_tokens + 2 * turn <= bounds.total_tokens


def _fitted(
    progress: Progress, before: Message | None, after: Message | None, tools: tuple[ToolSpec, ...], bounds: Bounds
) -> ModelRequest:
    """Each piece of evidence stands whole once, where it came last; old ones give way, oldest first, to their number
    and then to the bound of tokens. Nothing else does.

    Args:
        before: said of the tools, behind the first request.
        after: said at the end.
    """
    newest = {each.evidence: each for each in progress.results}
    standing = sorted(newest.values(), key=lambda each: each.index)
    keep = {each.index for each in standing[-bounds.whole_results :]}
    messages = list(progress.messages)
    first = len(progress.request.messages)

    def request() -> ModelRequest:
        shown = (*messages[:first], before, *messages[first:], after)
        said = tuple(each for each in shown if each is not None)
        return progress.request.model_copy(update={"messages": said, "tools": tools})

    def shrink(result: Result) -> None:
        messages[result.index] = messages[result.index].model_copy(update={"text": result.short})

    for result in progress.results:
        if result.index not in keep:
            shrink(result)
    for result in (each for each in standing if each.index in keep):
        if request_tokens(request(), tokens) <= bounds.prompt_tokens:
            break
        shrink(result)
    return request()
