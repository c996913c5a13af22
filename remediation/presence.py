"""Whether a runtime is there while something is done to it: its outages go on the timeline of the incident."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

import structlog

from core.clock import Clock
from core.errors import SourceUnavailable, StoreUnavailable
from core.ports import Actuator, SourceStatus
from stores.store import Store
from tools.outages import Answer, tell_changes

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"""What takes longer than this may be waiting for a runtime that is away, so that its status is asked for."""
STATUS_SECONDS = 5.0
"""A source that takes longer to say how it is counts as away."""

T = TypeVar("T")


class HasStatus(Protocol):
    """Any source: metrics, logs, spans, actuators."""

    name: str

    async def status(self) -> SourceStatus: ...


async def ask(source: HasStatus) -> Answer:
    """Whether a source is there now."""
    try:
        async with asyncio.timeout(STATUS_SECONDS):
            status = await source.status()
    except TimeoutError:
        return Answer(source.name, f"no answer within {STATUS_SECONDS:g} s")
    return Answer(source.name, "" if status.reachable else status.detail)


class Presence:
    """Tells on an incident's timeline since when an actuator does not answer, and when it does again."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def during(self, incident_id: str, actuator: Actuator, work: Coroutine[Any, Any, T]) -> T:
        """The result of what an actuator does, which may itself wait for a runtime that is away.

        Raises:
            SourceError, ActuatorError: as the work does.
        """
        running = asyncio.create_task(work)
        try:
            while not (await asyncio.wait({running}, timeout=LOOK_SECONDS))[0]:
                await self.look(incident_id, actuator)
            result = await running
        except SourceUnavailable as error:
            await self._tell(incident_id, Answer(actuator.name, error.message))
            raise
        finally:
            running.cancel()
        await self._tell(incident_id, Answer(actuator.name))
        return result

    async def look(self, incident_id: str, actuator: Actuator) -> None:
        """Ask it once."""
        await self._tell(incident_id, await ask(actuator))

    async def _tell(self, incident_id: str, answer: Answer) -> None:
        """What cannot be written now is seen again at the next look, or was over before anybody could be told."""
        try:
            await tell_changes(self._store, incident_id, [answer], self._clock.now())
        except StoreUnavailable as error:
            log.warning("outage_not_told", source=answer.source, error=error.message)
