"""Between our messages and those of langchain; langchain is imported when the first request is sent.

Nothing of a conversation goes to LangSmith, whatever the environment says: prompts hold data of whom Quell watches.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clients import failures
from clients.failures import Server
from clients.models.refusals import billed, unreadable
from core.llm import Message, Speaker, ToolCall, ToolSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk, BaseMessage


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        finish: why it ended, as the server says: ``stop``, ``length``, ``tool_calls``.
        details: the rest of what the server says at the end of its answer.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    prompt_tokens: int
    output_tokens: int
    finish: str
    details: dict[str, Any]


def langchain_messages(messages: tuple[Message, ...]) -> list[BaseMessage]:
    """The conversation as langchain wants it."""
    from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage

    found: list[BaseMessage] = []
    for each in messages:
        match each.speaker:
            case Speaker.SYSTEM:
                found.append(SystemMessage(each.text))
            case Speaker.USER:
                found.append(HumanMessage(each.text))
            case Speaker.TOOL:
                found.append(ToolMessage(each.text, tool_call_id=each.answers))
            case Speaker.ASSISTANT:
                found.append(_assistant(each))
    return found


def tool_schemas(tools: tuple[ToolSpec, ...]) -> list[dict[str, Any]]:
    """Tools in the form that both APIs take."""
    return [{"type": "function", "function": tool.model_dump()} for tool in tools]


async def converse(
    chat: BaseChatModel, messages: list[BaseMessage], server: Server, max_characters: int, **options: Any
) -> Answer:
    """Ask, and read the streamed answer to its end.

    Args:
        max_characters: longer answers are given up.
        options: of this request, over those of the client; `model` is its name.

    Raises:
        SourceUnavailable: the answer broke off, or there was none.
        SourceRejected: it is too long.
        Exception: what the library raises; `refusals.understood` reads it.
    """
    from langsmith import tracing_context

    whole: AIMessageChunk | None = None
    length = 0
    with tracing_context(enabled=False):
        stream: AsyncIterator[AIMessageChunk] = chat.astream(messages, **options)
        async for chunk in stream:
            length += len(chunk.text) + sum(len(call["args"] or "") for call in chunk.tool_call_chunks)
            if length > max_characters:
                raise billed(failures.too_large(server, max_characters))
            whole = chunk if whole is None else whole + chunk
    if whole is None:
        raise billed(unreadable(server, "nothing at all"))
    return _read(whole, server)


def _assistant(message: Message) -> BaseMessage:
    """A turn with tool calls; arguments that are no JSON object are passed on as the model wrote them."""
    from langchain_core.messages import AIMessage

    calls, broken = [], []
    for call in message.tool_calls:
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            arguments = None
        if isinstance(arguments, dict):
            calls.append({"name": call.name, "args": arguments, "id": call.id, "type": "tool_call"})
        else:
            broken.append({"name": call.name, "args": call.arguments, "id": call.id, "error": "no JSON object"})
    return AIMessage(
        message.text, tool_calls=calls, invalid_tool_calls=[{"type": "invalid_tool_call", **each} for each in broken]
    )


def _read(whole: AIMessageChunk, server: Server) -> Answer:
    details = dict(whole.response_metadata)
    finish = str(details.get("finish_reason") or details.get("done_reason") or "")
    if not finish:
        raise billed(failures.cut_off(server))
    counted = whole.usage_metadata
    calls = (
        ToolCall(id=str(call["id"] or ""), name=str(call["name"] or ""), arguments=str(call["args"] or ""))
        for call in whole.tool_call_chunks
    )
    return Answer(
        text=whole.text,
        tool_calls=tuple(calls),
        prompt_tokens=counted["input_tokens"] if counted else 0,
        output_tokens=counted["output_tokens"] if counted else 0,
        finish=finish,
        details=details,
    )
