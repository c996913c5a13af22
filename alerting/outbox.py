"""Notices that survive a crash: written with the change they are about, delivered at least once afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import structlog
from pydantic import ValidationError

from alerting.channel import Channel
from alerting.messages import Message
from core.clock import Clock
from core.errors import NotificationError, StoreUnavailable
from core.models import TimelineEntry
from stores.outbox import OutboxItem
from stores.store import Store, Tx

log = structlog.get_logger(__name__)

MAX_TRIES = 10
"""With the delays below, the last try comes about half an hour after the first."""

_FIRST_DELAY_SECONDS = 5.0
_MAX_DELAY_SECONDS = 900.0
_MAX_RETRY_AFTER_SECONDS = 3600.0
_BATCH = 20


async def enqueue(tx: Tx, channels: Iterable[str], key: str, message: Message) -> int:
    """Put a message into the outbox, for each channel once per key, however often this is called.

    Args:
        tx: the transaction of the change that the message is about.
        channels: their names.
        key: names the occasion, such as `<incident>/approval/<proposal hash>`.

    Returns:
        for how many channels it was new.
    """
    payload = message.model_dump(mode="json")
    added = [await tx.outbox.add(channel, key, payload, message.incident_id) for channel in channels]
    return sum(added)


def delay_seconds(tries: int, retry_after_seconds: float | None, jitter: float) -> float:
    """Wait before the next try: exponential with equal jitter, never less than a channel asked for (within an hour).

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Args:
        tries: how many have failed before this one.
        jitter: in `[0, 1)`.
    """
    ceiling = min(_MAX_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0**tries)
    asked = min(retry_after_seconds or 0.0, _MAX_RETRY_AFTER_SECONDS)
    return max(asked, ceiling / 2) + jitter * ceiling / 2


class Dispatcher:
    """Delivers what is in the outbox.

    Args:
        channels: by name.
        jitter: numbers in `[0, 1)`.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        poll_seconds: float = 1.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._channels = channels
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._jitter = jitter

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                await self.dispatch_once()
            except StoreUnavailable as error:  # an outage is told in a line, not in a traceback a second
                log.warning("dispatch_postponed", error=str(error))
            except Exception:
                # The loop's boundary: without it one bad moment of the database would silence Quell for good.
                log.exception("dispatch_failed")
            await self._clock.sleep(self._poll_seconds)

    async def dispatch_once(self) -> int:
        """Try every message that is due, side by side; returns how many were tried.

        Raises:
            StoreError: the database did not answer; messages that it did not note as sent are sent again.
        """
        async with self._store.read() as tx:
            due = await tx.outbox.due(self._clock.now(), _BATCH)
        outcomes = await asyncio.gather(*(self._deliver(item) for item in due), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(due)

    async def _deliver(self, item: OutboxItem) -> None:
        channel = self._channels.get(item.channel)
        if channel is None:
            await self._give_up(item, "no channel of that name is configured")
            return
        try:
            await channel.send(Message.model_validate(item.payload), item.key)
        except ValidationError:
            await self._give_up(item, "the stored message is not in this version's format")
        except NotificationError as error:
            await self._failed(item, error)
        else:
            log.info("notice_sent", channel=item.channel, key=item.key)
            async with self._store.write() as tx:
                await tx.outbox.sent(item.id)
                await self._note(tx, item, "sent", f"{item.channel} was notified")

    async def _failed(self, item: OutboxItem, error: NotificationError) -> None:
        if not error.retryable:
            await self._give_up(item, error.message)
            return
        if item.tries + 1 >= MAX_TRIES:
            await self._give_up(item, f"{error.message}, after {MAX_TRIES} tries")
            return
        wait = delay_seconds(item.tries, error.retry_after_seconds, self._jitter())
        log.warning("notice_delayed", channel=item.channel, key=item.key, error=error.message, wait_seconds=wait)
        async with self._store.write() as tx:
            await tx.outbox.retry(item.id, self._clock.now() + timedelta(seconds=wait), error.message)

    async def _give_up(self, item: OutboxItem, reason: str) -> None:
        log.error("notice_not_delivered", channel=item.channel, key=item.key, error=reason)
        async with self._store.write() as tx:
            await tx.outbox.dead(item.id, reason)
            await self._note(tx, item, "dead", f"{item.channel} was not notified: {reason}")

    async def _note(self, tx: Tx, item: OutboxItem, state: str, text: str) -> None:
        if not item.incident_id:
            return
        data = {"channel": item.channel, "key": item.key}
        entry = TimelineEntry(at=self._clock.now(), kind="notice", text=text, data=data)
        await tx.timeline.add(item.incident_id, entry, key=f"notice/{item.id}/{state}")
