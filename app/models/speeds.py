"""Latency of the local models, measured at start, so that one that is too slow for a task is not asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

import structlog

from app.operations.models import timed
from clients.models.speed import Measured
from core.clock import Clock
from core.errors import SourceError
from core.llm import ModelTask

log = structlog.get_logger(__name__)

RETRY_SECONDS = 60.0
"""Until the first new try where Ollama did not answer or a model could not be loaded; doubled with each."""

AGAIN_SECONDS = 3600.0
"""Until models are measured again, as one that is not asked teaches nothing; also the longest wait before a try."""


class Measurable(Protocol):
    """What loads and times its models: `clients.models.ollama.LocalModels`."""

    async def prepare(self) -> Measured: ...


class SpeedCheck:
    """Measures at once, every hour while a model is too slow for a task, and sooner while one cannot be loaded."""

    def __init__(self, models: Measurable, deadlines: Mapping[ModelTask, float], clock: Clock) -> None:
        self._models = models
        self._deadlines = deadlines
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        slow, patience = True, RETRY_SECONDS
        while slow:
            pause = AGAIN_SECONDS
            try:
                slow = await self.measure()
            except SourceError as error:
                pause, patience = patience, min(2 * patience, AGAIN_SECONDS)
                log.warning("models_not_measured", error=str(error), again_seconds=pause)
            await self._clock.sleep(pause)
        await asyncio.Event().wait()

    async def measure(self) -> bool:
        """Whether some model is too slow for a task; each is told.

        Raises:
            SourceError: Ollama does not answer, or a model cannot be loaded; the others were measured.
        """
        measured = await self._models.prepare()
        found = timed(measured.speeds, self._deadlines)
        late = [(model.name, task) for model in found for task in model.tasks if not task.asked]
        for name, task in late:
            log.warning(
                "model_too_slow",
                model=name,
                task=task.task.value,
                expected_seconds=task.expected_seconds,
                allowed_seconds=task.deadline_seconds,
            )
        log.info("models_measured", models=[model.name for model in found], too_slow=len(late))
        for error in measured.failed.values():
            raise error
        return bool(late)
