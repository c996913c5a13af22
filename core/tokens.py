"""How much of a model's context texts and requests take: by any counter, and by an upper estimate without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import ceil

from core.llm import Message, ModelRequest

ASCII_CHARACTERS_PER_TOKEN = 3  # below the 4 that is usual for prose: JSON keys and numbers cost more

MESSAGE_TOKENS = 4
"""Marks of role and end around each message (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken)."""

Counter = Callable[[str], int]
"""Tokens of a text, by the vocabulary of a model or as an estimate."""


def tokens(text: str) -> int:
    """An upper estimate: a third of the ASCII characters, and every byte of all others one."""
    plain = len(text.encode("ascii", "ignore"))
    return ceil(plain / ASCII_CHARACTERS_PER_TOKEN) + len(text.encode()) - plain


def message_tokens(message: Message, count: Counter) -> int:
    """Tokens of one message with its marks and its tool calls."""
    calls = sum(count(call.name) + count(call.arguments) + MESSAGE_TOKENS for call in message.tool_calls)
    return count(message.text) + calls + MESSAGE_TOKENS


def overhead_tokens(request: ModelRequest, count: Counter) -> int:
    """Tokens of what goes with the messages: tools, and the schema of the answer."""
    tools = count(json.dumps([tool.model_dump() for tool in request.tools])) if request.tools else 0
    return tools + (count(json.dumps(request.response_schema)) if request.response_schema else 0)


def request_tokens(request: ModelRequest, count: Counter) -> int:
    """Tokens of the whole prompt."""
    return overhead_tokens(request, count) + sum(message_tokens(each, count) for each in request.messages)
