"""How many tokens a request has: exactly for OpenAI's models, as a corrected upper estimate for Ollama's."""

from __future__ import annotations

import functools
import json
from collections import deque
from collections.abc import Callable
from math import ceil
from typing import Any

from core.llm import Message, ModelRequest
from core.tokens import tokens

Counter = Callable[[str], int]

MESSAGE_TOKENS = 4
"""Marks of role and end around each message (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken)."""

KEPT_RATIOS = 8
SAFETY = 1.05
LEAST_RATIO, MOST_RATIO = 0.5, 2.0


@functools.cache
def _o200k() -> Any:
    from rs_bpe import openai  # the folder `rs_bpe.openai` is another module, which cannot be imported

    return openai.o200k_base()


def o200k_tokens(text: str) -> int:
    """Tokens by the vocabulary of gpt-4o, which `rs-bpe` ships."""
    return int(_o200k().count(text))


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


class CorrectedEstimate:
    """An upper estimate for a model whose vocabulary is unknown, corrected by what the server counted.

    The factor is the largest of the last `KEPT_RATIOS` measured ones with a margin, within bounds: a server that
    counts only what was not in its cache must not make prompts look short.
    """

    def __init__(self) -> None:
        self._ratios: dict[str, deque[float]] = {}

    def factor(self, model: str) -> float:
        """By what the plain estimate is multiplied; 1 until something was measured."""
        ratios = self._ratios.get(model)
        return min(MOST_RATIO, max(LEAST_RATIO, max(ratios) * SAFETY)) if ratios else 1.0

    def counter(self, model: str) -> Counter:
        """Counts texts for that model."""
        factor = self.factor(model)
        return lambda text: ceil(tokens(text) * factor)

    def correct(self, model: str, request: ModelRequest, counted: int) -> None:
        """Learn from what the server counted for a request; 0 teaches nothing."""
        estimated = request_tokens(request, tokens)
        if counted > 0 and estimated > 0:
            self._ratios.setdefault(model, deque(maxlen=KEPT_RATIOS)).append(counted / estimated)
