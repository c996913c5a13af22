"""How quick a model is on this machine, and whether that is quick enough for a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field

from core.errors import SourceError
from core.llm import ModelTask
from core.models import Model

TYPICAL_OUTPUT_TOKENS: dict[ModelTask, int] = {
    ModelTask.CLASSIFICATION: 40,
    ModelTask.ANOMALY: 60,
    ModelTask.RCA: 300,
    ModelTask.PLANNING: 200,
    ModelTask.LOG_CLASSIFICATION: 30,
    ModelTask.SUMMARY: 350,
    ModelTask.VERIFICATION: 60,
}
"""What an answer obeying the schema of a task usually has; a request with a lower limit counts by its limit."""

TYPICAL_PROMPT_TOKENS = 1_000
MIN_MEASURED_TOKENS = 8
NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of measuring models.

    Attributes:
        speeds: of those that the server counts for.
        failed: why the others cannot be measured, such as one that does not fit the memory.
        missing: models that the configuration names and that are not pulled.
    """

    speeds: Mapping[str, Speed]
    failed: Mapping[str, SourceError]
    missing: tuple[str, ...] = ()


class Speed(Model):
    """Seconds by token, of a model that is loaded."""

    prompt_token_seconds: float = Field(ge=0)
    output_token_seconds: float = Field(ge=0)
    load_seconds: float = Field(default=0.0, ge=0, description="what loading took, when it was loaded for this")

    def seconds(self, prompt_tokens: int, output_tokens: int) -> float:
        """How long an answer of that size takes."""
        return prompt_tokens * self.prompt_token_seconds + output_tokens * self.output_token_seconds

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Self | None:
        """From what Ollama counts at the end of an answer, in nanoseconds.

        None when too few tokens were read or written to tell, as after a prompt that was in the cache.
        """
        read, written = (int(details.get(name) or 0) for name in ("prompt_eval_count", "eval_count"))
        if read < MIN_MEASURED_TOKENS or written < MIN_MEASURED_TOKENS:
            return None
        reading, writing, loading = (
            int(details.get(name) or 0) / NANOSECONDS
            for name in ("prompt_eval_duration", "eval_duration", "load_duration")
        )
        return cls(prompt_token_seconds=reading / read, output_token_seconds=writing / written, load_seconds=loading)


def expected_seconds(speed: Speed, task: ModelTask, prompt_tokens: int, max_output_tokens: int) -> float:
    """How long that model will take for a prompt of that size."""
    return speed.seconds(prompt_tokens, min(max_output_tokens, TYPICAL_OUTPUT_TOKENS[task]))
