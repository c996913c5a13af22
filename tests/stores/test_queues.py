"""The inbox, the outbox and the flags."""

from __future__ import annotations

from datetime import timedelta

from core.clock import ManualClock
from stores.inbox import InboxItem
from stores.outbox import OutboxItem
from stores.store import Store
from tests.stores.samples import NOON


async def test_a_body_is_kept_byte_for_byte_and_worked_off_in_order(store: Store) -> None:
    async with store.write() as tx:
        first = await tx.inbox.add("alertmanager", b'\x00\xff{"alerts": []}')
        second = await tx.inbox.add("watch", b"{}")
        await tx.inbox.add("alertmanager", b"[", state="rejected", reason="not an object")
        assert first == InboxItem(
            id=first.id, source="alertmanager", body=b'\x00\xff{"alerts": []}', received_at=NOON, state="pending"
        )
        assert await tx.inbox.pending(10) == [first, second]
        assert await tx.inbox.pending(1) == [first]
        await tx.inbox.mark(first.id, "done")
        await tx.inbox.mark(second.id, "failed", "no such service")
        assert await tx.inbox.pending(10) == []
        assert await tx.inbox.counts() == {"pending": 0, "done": 1, "rejected": 1, "failed": 1}


async def test_a_message_is_queued_once_for_each_channel(store: Store) -> None:
    async with store.write() as tx:
        assert await tx.outbox.add("slack", "inc_1:human", {"text": "help", "fields": [1, None]}, "inc_1")
        assert not await tx.outbox.add("slack", "inc_1:human", {"text": "again"}, "inc_1")
        assert await tx.outbox.add("webhook", "inc_1:human", {"text": "help"}, "inc_1")
        [slack, webhook] = await tx.outbox.of_incident("inc_1")
        assert slack == OutboxItem(
            id=slack.id,
            channel="slack",
            key="inc_1:human",
            payload={"text": "help", "fields": [1, None]},
            incident_id="inc_1",
            tries=0,
            state="pending",
            next_at=NOON,
        )
        assert await tx.outbox.due(NOON, 10) == [slack, webhook]
        assert await tx.outbox.due(NOON, 1) == [slack]
        assert await tx.outbox.due(NOON - timedelta(seconds=1), 10) == []


async def test_a_message_is_sent_retried_or_given_up(store: Store, clock: ManualClock) -> None:
    later = NOON + timedelta(minutes=1)
    async with store.write() as tx:
        for channel in ("sent", "slow", "gone"):
            await tx.outbox.add(channel, "k", {}, "")
        sent, slow, gone = await tx.outbox.due(clock.now(), 10)
        await tx.outbox.sent(sent.id)
        await tx.outbox.retry(slow.id, later, "503")
        await tx.outbox.dead(gone.id, "404")
        assert await tx.outbox.due(NOON, 10) == []
        [again] = await tx.outbox.due(later, 10)
        assert (again.channel, again.tries, again.error, again.next_at) == ("slow", 1, "503", later)
        states = {each.channel: (each.state, each.tries, each.error) for each in await tx.outbox.of_incident("")}
        assert states == {"sent": ("sent", 1, ""), "slow": ("pending", 1, "503"), "gone": ("dead", 1, "404")}


async def test_a_flag_keeps_its_last_value(store: Store) -> None:
    async with store.write() as tx:
        assert await tx.flags.get("kill_switch") is None
        await tx.flags.set("kill_switch", "on")
        await tx.flags.set("kill_switch", "off")
        await tx.flags.set("other", "on")
        assert await tx.flags.get("kill_switch") == "off"
