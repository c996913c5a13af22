"""At least once, once per key, and never silently: the outbox over a real store and a real server."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from alerting.channel import Channel
from alerting.messages import Message
from alerting.outbox import MAX_TRIES, Dispatcher, delay_seconds, enqueue
from alerting.webhook import WebhookChannel, WebhookSettings
from core.clock import ManualClock, SystemClock
from core.errors import StoreUnavailable
from core.models import Autonomy, Incident, IncidentStatus, Severity
from stores.outbox import OutboxItem
from stores.store import Store, Tx
from tests.receiver import Answer, Receiver
from tests.support import eventually


@pytest.fixture
def channels(server: Receiver, client: httpx.AsyncClient, clock: ManualClock) -> dict[str, Channel]:
    settings = WebhookSettings(name="ops", url=SecretStr(f"{server.origin}/s3cr3t"), timeout_seconds=1.5)
    channel = WebhookChannel(settings, client, clock)
    return {channel.name: channel}


@pytest.fixture
def dispatcher(store: Store, channels: dict[str, Channel], clock: ManualClock) -> Dispatcher:
    return Dispatcher(store, channels, clock, jitter=lambda: 0.0)


@pytest.fixture
async def queued(store: Store, channels: dict[str, Channel], message: Message, clock: ManualClock) -> str:
    """One message in the outbox, about an incident that exists."""
    now = clock.now()
    incident = Incident(
        id=message.incident_id,
        status=IncidentStatus.ESCALATED,
        severity=Severity.CRITICAL,
        title=message.title,
        autonomy=Autonomy.ACT,
        opened_at=now,
        updated_at=now,
    )
    async with store.write() as tx:
        await tx.incidents.add(incident)
        await enqueue(tx, channels, "inc_1/human", message)
    return incident.id


async def items(store: Store) -> list[OutboxItem]:
    async with store.read() as tx:
        return await tx.outbox.of_incident("inc_1")


async def notices(store: Store) -> list[str]:
    async with store.read() as tx:
        return [entry.text for entry in await tx.timeline.of_incident("inc_1") if entry.kind == "notice"]


async def test_a_message_is_sent_once_and_noted(
    store: Store, dispatcher: Dispatcher, server: Receiver, queued: str, message: Message
) -> None:
    assert await dispatcher.dispatch_once() == 1
    assert await dispatcher.dispatch_once() == 0
    assert [request.json["message"]["why"] for request in server.requests] == [message.why]
    assert [item.state for item in await items(store)] == ["sent"]
    assert await notices(store) == ["webhook:ops was notified"]


async def test_the_same_occasion_is_queued_once_a_channel(store: Store, queued: str, message: Message) -> None:
    async with store.write() as tx:
        assert await enqueue(tx, ["webhook:ops", "slack:ops"], "inc_1/human", message) == 1
        assert await enqueue(tx, ["webhook:ops"], "inc_1/ended", message) == 1
    assert len(await items(store)) == 3


async def test_a_message_of_a_transaction_that_failed_is_never_sent(
    store: Store, dispatcher: Dispatcher, message: Message
) -> None:
    async def fail() -> None:
        async with store.write() as tx:
            await enqueue(tx, ["webhook:ops"], "k", message)
            raise RuntimeError("the change this was about")

    with pytest.raises(RuntimeError):
        await fail()
    assert await dispatcher.dispatch_once() == 0


@pytest.mark.parametrize(
    "answer", [Answer(status=500), Answer(status=429), Answer(hold=True)], ids=["500", "429", "timeout"]
)
async def test_passing_trouble_is_tried_again_later(
    answer: Answer, store: Store, dispatcher: Dispatcher, server: Receiver, queued: str, clock: ManualClock
) -> None:
    server.script = [answer]
    await dispatcher.dispatch_once()
    assert await dispatcher.dispatch_once() == 0, "not before its time"
    (item,) = await items(store)
    assert (item.state, item.tries) == ("pending", 1)
    assert item.error.startswith("webhook:ops")
    clock.advance(delay_seconds(0, None, 0.0))
    await dispatcher.dispatch_once()
    assert [item.state for item in await items(store)] == ["sent"]
    keys = [request.headers["Idempotency-Key"] for request in server.requests]
    assert keys == ["inc_1/human"] * 2


async def test_retry_after_is_honoured(
    store: Store, dispatcher: Dispatcher, server: Receiver, queued: str, clock: ManualClock
) -> None:
    server.script = [Answer(status=429, headers={"Retry-After": "240"})]
    await dispatcher.dispatch_once()
    assert [item.next_at for item in await items(store)] == [clock.now() + timedelta(seconds=240)]


async def test_a_refusal_is_dead_at_once_and_on_the_timeline(
    store: Store, dispatcher: Dispatcher, server: Receiver, queued: str
) -> None:
    server.script = [Answer(status=404, body=b"no_service")]
    await dispatcher.dispatch_once()
    (item,) = await items(store)
    assert (item.state, item.error) == ("dead", "webhook:ops: answered 404 no_service")
    assert await notices(store) == ["webhook:ops was not notified: webhook:ops: answered 404 no_service"]


async def test_a_channel_that_never_recovers_is_given_up(
    store: Store, dispatcher: Dispatcher, server: Receiver, queued: str, clock: ManualClock
) -> None:
    server.script = [Answer(status=503)] * (MAX_TRIES + 1)
    for _ in range(MAX_TRIES + 1):
        await dispatcher.dispatch_once()
        clock.advance(3600)
    assert len(server.requests) == MAX_TRIES
    assert [item.state for item in await items(store)] == ["dead"]
    assert await notices(store) == [f"webhook:ops was not notified: webhook:ops: answered 503, after {MAX_TRIES} tries"]


async def test_a_channel_that_is_gone_from_the_configuration_is_noted(
    store: Store, clock: ManualClock, queued: str
) -> None:
    await Dispatcher(store, {}, clock).dispatch_once()
    assert await notices(store) == ["webhook:ops was not notified: no channel of that name is configured"]


async def test_a_message_of_another_version_is_dead_and_blocks_nothing(
    store: Store, dispatcher: Dispatcher, server: Receiver, queued: str
) -> None:
    async with store.write() as tx:
        await tx.outbox.add("webhook:ops", "old", {"subject": "?"}, "inc_1")
    await dispatcher.dispatch_once()
    assert {item.key: item.state for item in await items(store)} == {"inc_1/human": "sent", "old": "dead"}


async def test_what_a_killed_dispatcher_did_not_note_is_sent_again_with_its_key(
    store: Store, dispatcher: Dispatcher, server: Receiver, queued: str
) -> None:
    server.script = [Answer(hold=True)]
    killed = asyncio.create_task(dispatcher.dispatch_once())
    await eventually(lambda: len(server.requests) == 1)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    await dispatcher.dispatch_once()
    assert [request.json["key"] for request in server.requests] == ["inc_1/human"] * 2
    assert [item.state for item in await items(store)] == ["sent"]


class Faulty:
    """The store, but its first so many transactions fail, as on a full disk."""

    def __init__(self, store: Store, *, reads: int = 0, writes: int = 0) -> None:
        self.store = store
        self.reads = reads
        self.writes = writes

    def read(self) -> AbstractAsyncContextManager[Tx]:
        self.reads -= 1
        return self.store.read() if self.reads < 0 else self.fail()

    def write(self) -> AbstractAsyncContextManager[Tx]:
        self.writes -= 1
        return self.store.write() if self.writes < 0 else self.fail()

    def fail(self) -> AbstractAsyncContextManager[Tx]:
        raise StoreUnavailable("disk full")


async def test_the_loop_survives_a_database_that_fails(
    store: Store, channels: dict[str, Channel], server: Receiver, queued: str
) -> None:
    faulty = cast(Store, Faulty(store, reads=2))
    loop = asyncio.create_task(Dispatcher(faulty, channels, SystemClock(), poll_seconds=0.01).run())
    await eventually(lambda: len(server.requests) == 1)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def test_a_failing_note_does_not_interrupt_the_other_deliveries(
    store: Store, channels: dict[str, Channel], clock: ManualClock, message: Message, queued: str
) -> None:
    async with store.write() as tx:
        await enqueue(tx, ["gone"], "k", message)
    with pytest.raises(StoreUnavailable):
        await Dispatcher(cast(Store, Faulty(store, writes=1)), channels, clock).dispatch_once()
    assert {item.channel: item.state for item in await items(store)} == {"webhook:ops": "sent", "gone": "pending"}


@given(st.integers(0, 200), st.none() | st.floats(0, 1e9), st.floats(0, 1, exclude_max=True))
def test_delays_are_bounded_and_honour_the_channel(tries: int, asked: float | None, jitter: float) -> None:
    delay = delay_seconds(tries, asked, jitter)
    assert min(asked or 0.0, 3600.0) <= delay <= 3600.0 + 450.0
    assert delay >= 2.5


def test_delays_double_and_spread() -> None:
    assert [delay_seconds(tries, None, 0.0) for tries in range(4)] == [2.5, 5.0, 10.0, 20.0]
    assert delay_seconds(2, None, 0.5) == 15.0
