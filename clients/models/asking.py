"""The care around one request to a model: deadline, retries, breakers; the same for every server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

import stamina

from clients.failures import Server
from clients.models.breaker import Breaker
from clients.models.refusals import READING_ERRORS, TRANSPORT_ERRORS, unavailable, understood
from clients.models.settings import ModelServerSettings
from core.clock import Clock
from core.errors import ModelLate, SourceError, SourceUnavailable
from core.llm import ModelTask

T = TypeVar("T")
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 8.0
JITTER_SECONDS = 0.5
FIRST_SERVER_ERROR = 500


class Asker:
    """Asks one server.

    Two kinds of breaker: one of the server, opened by refusals and broken connections, and one a task, opened by
    lateness, since a model that is late for one task may be quick enough for another.

    Args:
        errors: that the model library raises, to be read by `refusals.understood`.
    """

    def __init__(
        self, server: Server, settings: ModelServerSettings, errors: tuple[type[Exception], ...], clock: Clock
    ) -> None:
        self._server = server
        self._settings = settings
        self._errors: tuple[type[Exception], ...] = (*errors, *TRANSPORT_ERRORS, *READING_ERRORS)
        self._clock = clock
        self._reachable = self._breaker(server.label, SourceUnavailable)
        self._timely: dict[ModelTask, Breaker] = {}

    async def ask(self, task: ModelTask, seconds: float, send: Callable[[], Awaitable[T]]) -> T:
        """What `send` answers within that time, retries included.

        Args:
            send: raises what the library raises, or errors of `core.errors`.

        Raises:
            ModelLate: no answer in time.
            ModelUnavailable: the server is overloaded, away or broken, or a breaker is open.
            SourceRejected: as `send`.
        """
        timely = self._timely.setdefault(task, self._breaker(f"{self._server.label} for {task}", ModelLate))
        try:
            with timely.guard(), self._reachable.guard():
                return await self._in_time(task, seconds, lambda limit: self._persistently(send, limit))
        except SourceError as error:
            raise unavailable(error) from error

    async def unguarded(self, what: str, seconds: float, send: Callable[[], Awaitable[T]]) -> T:
        """As `ask`, once, for what is no task: whatever breakers say, and none of them learns from it."""
        try:
            return await self._in_time(what, seconds, lambda _: send())
        except SourceError as error:
            raise unavailable(error) from error

    async def _in_time(self, what: str, seconds: float, run: Callable[[asyncio.Timeout], Awaitable[T]]) -> T:
        if seconds <= 0:
            raise self._late(what)
        try:
            async with asyncio.timeout(seconds) as limit:
                return await run(limit)
        except TimeoutError:
            raise self._late(what) from None
        except self._errors as error:
            raise understood(self._server, error, self._clock.now()) from error

    async def _persistently(self, send: Callable[[], Awaitable[T]], limit: asyncio.Timeout) -> T:
        loop = asyncio.get_running_loop()

        def again(error: Exception) -> bool | float:
            answer = understood(self._server, error, self._clock.now())
            left = (limit.when() or loop.time()) - loop.time()
            return wait_before_retry(error, answer, left, random.uniform(0, JITTER_SECONDS))

        retries = stamina.retry_context(
            on=again,
            attempts=self._settings.attempts,
            timeout=None,
            wait_initial=FIRST_WAIT_SECONDS,
            wait_max=LONGEST_WAIT_SECONDS,
            wait_jitter=JITTER_SECONDS,
        )
        async for attempt in retries:
            with attempt:
                return await send()
        raise AssertionError("stamina raises after the last attempt")

    def _late(self, what: str) -> ModelLate:
        return ModelLate(
            f"{self._server.label} gave no answer for {what} in time",
            fix=f"run `quell models bench`, choose a quicker model, or raise the deadline in {self._server.section}",
        )

    def _breaker(self, what: str, counted: type[Exception]) -> Breaker:
        settings = self._settings
        return Breaker(what, settings.failures_to_open, settings.open_seconds, (counted,), self._clock)


def wait_before_retry(
    error: Exception, answer: SourceError, seconds_left: float, jitter_seconds: float
) -> bool | float:
    """Whether to try again, or how long to wait before it.

    Only 429 and 5xx are tried again: an answer that broke off in the middle has been paid for.

    Args:
        error: of the model library.
        answer: what it means.
        seconds_left: until the deadline; a wait that would pass it makes no sense.
        jitter_seconds: added to what `Retry-After` asked for, so that not all callers come back at once.

    Returns:
        False not at all, True after the usual growing wait with jitter, a number after that many seconds.
    """
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or (status != HTTPStatus.TOO_MANY_REQUESTS and status < FIRST_SERVER_ERROR):
        return False
    asked = answer.retry_after_seconds if isinstance(answer, SourceUnavailable) else None
    if asked is None:
        return seconds_left > FIRST_WAIT_SECONDS
    return asked + jitter_seconds if asked + jitter_seconds < seconds_left else False
