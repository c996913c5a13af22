"""Carrying actions out once per key, over crashes of Quell and outages of the engine."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog

from clients.docker.journal import EngineAction
from clients.docker.watch import EngineWatch
from core.clock import Clock
from core.errors import ActuatorError, SourceRejected, SourceUnavailable
from core.models import ActionOutcome

log = structlog.get_logger(__name__)

OUTAGE_SECONDS = 30.0
"""An engine that goes away in the middle of an action is waited for so long."""
RETRY_SECONDS = 0.5

T = TypeVar("T")

Plan = Callable[[], Awaitable[EngineAction]]
"""All that must be known before anything is changed; raises ActuatorError when the action is not possible."""
Step = Callable[[EngineAction], Awaitable[tuple[bool, ActionOutcome]]]
"""Does what is still missing; returns whether the engine was told to do anything, and the outcome."""


class Once:
    """The record of actions around what carries them out; one action at a time on a subject.

    Args:
        outage_seconds: how long an engine that went away within an action is waited for.
    """

    def __init__(self, watch: EngineWatch, clock: Clock, outage_seconds: float = OUTAGE_SECONDS) -> None:
        self._watch = watch
        self._clock = clock
        self._outage_seconds = outage_seconds
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._begun: set[str] = set()

    def began(self, key: str) -> bool:
        """Whether this very process has begun the action: after a crash nobody would complete it by itself."""
        return key in self._begun

    async def run(
        self, subject: str, action: str, parameters: dict[str, str], key: str, plan: Plan, step: Step
    ) -> ActionOutcome:
        """The outcome of an action, which is carried out unless it was before.

        Raises:
            ActuatorError: it is not possible, or the key belongs to another action; nothing was done.
            SourceUnavailable: the engine did not answer; whether it happened is unknown.
        """
        async with self._locks[subject]:
            deadline = self._clock.monotonic() + self._outage_seconds
            record = self._watch.journal.action(key)
            if record is None:
                record = self._watch.record(await self._persist(key, action, deadline, plan))
            elif (record.action, record.subject, record.parameters) != (action, subject, parameters):
                raise ActuatorError(f"key {key} was used for another action", fix="use a fresh key")
            if record.outcome is not None:
                return record.outcome
            self._begun.add(key)
            try:
                sent, outcome = await self._persist(key, action, deadline, partial(step, record))
            except (ActuatorError, SourceRejected) as error:
                sent, outcome = True, ActionOutcome(ok=False, detail=str(error), before=record.before)
            self._keep(record, sent, outcome)
            return outcome

    async def _persist(self, key: str, action: str, deadline: float, work: Callable[[], Awaitable[T]]) -> T:
        """Do it again until the engine answers, or until the deadline (monotonic)."""
        while True:
            try:
                return await work()
            except SourceUnavailable as error:
                if self._clock.monotonic() >= deadline:
                    raise
                log.warning("engine_away_during_action", key=key, action=action, error=error.message)
                await self._clock.sleep(RETRY_SECONDS)

    def _keep(self, record: EngineAction, sent: bool, outcome: ActionOutcome) -> None:
        """What was done is told even when it cannot be put on record."""
        ended = {"sent": sent, "outcome": outcome, "ended_at": self._clock.now()}
        try:
            self._watch.record(record.model_copy(update=ended))
        except SourceUnavailable as error:
            log.error("action_outcome_not_recorded", key=record.key, error=error.message, fix=error.fix)
