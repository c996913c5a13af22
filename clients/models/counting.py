"""How many tokens a request has: exactly for OpenAI's models, as a corrected upper estimate for Ollama's."""

from __future__ import annotations

import functools
from collections import deque
from math import ceil
from typing import Any

from core.llm import ModelRequest
from core.tokens import Counter, message_tokens, overhead_tokens, request_tokens, tokens

__all__ = ["CorrectedEstimate", "Counter", "message_tokens", "o200k_tokens", "overhead_tokens", "request_tokens"]

FRAME_TOKENS = 16
"""What servers add around a whole prompt: the beginning of the answer, names of the schema and of the tools' space."""

OPENAI_MODELS = ("gpt-4o", "gpt-4.1", "gpt-5", "o1", "o3", "o4", "chatgpt-4o")
"""How the names of models begin whose vocabulary is o200k."""

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


def upper_tokens(model: str, request: ModelRequest) -> int:
    """A bound on what the server of that model will count for the prompt, for reserving money.

    By the vocabulary of OpenAI's models where it is one, else by that or the upper estimate, whichever is more.
    """
    counted = request_tokens(request, o200k_tokens)
    if not model.startswith(OPENAI_MODELS):
        counted = max(counted, request_tokens(request, tokens))
    return ceil(counted * SAFETY) + FRAME_TOKENS


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
