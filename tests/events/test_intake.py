"""Inbox and intake over a real store: durable, each item once, nothing lost, one incident a group."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.errors import InvalidInput, StoreUnavailable
from core.models import ATTENTION, AlertStatus, Autonomy, Incident, IncidentStatus, Severity
from events.correlation import CorrelationSettings
from events.inbox import Receipt, accept
from events.intake import Intake
from stores.inbox import InboxItem
from stores.store import Store, Tx
from tests.events.payloads import body, wire_alert
from tools.inventory import Inventory


async def post(store: Store, *alerts: dict[str, object]) -> Receipt:
    return await accept(store, "alertmanager", body(*alerts))


async def incidents(store: Store) -> list[Incident]:
    async with store.read() as tx:
        return await tx.incidents.find(limit=1000)


async def story(store: Store, incident_id: str) -> list[str]:
    async with store.read() as tx:
        return [entry.text for entry in await tx.timeline.of_incident(incident_id)]


async def counts(store: Store) -> dict[str, int]:
    async with store.read() as tx:
        return {state: count for state, count in (await tx.inbox.counts()).items() if count}


async def test_an_accepted_body_is_kept_byte_for_byte(store: Store) -> None:
    receipt = await post(store, wire_alert(), wire_alert("Latency"))
    async with store.read() as tx:
        (item,) = await tx.inbox.pending(10)
    assert (receipt.id, receipt.alerts) == (item.id, 2)
    assert (item.source, item.body) == ("alertmanager", body(wire_alert(), wire_alert("Latency")))


async def test_a_rejected_body_is_kept_with_its_reason(store: Store) -> None:
    bad = body(wire_alert(starts_at="yesterday"))
    with pytest.raises(InvalidInput, match=r"alerts\[0\]\.startsAt"):
        await accept(store, "alertmanager", bad)
    assert await counts(store) == {"rejected": 1}


async def test_an_alert_becomes_an_incident_with_all_that_is_known(
    store: Store, intake: Intake, clock: ManualClock
) -> None:
    await post(store, wire_alert())
    (opened,) = await intake.drain()
    (incident,) = await incidents(store)
    assert incident.id == opened
    assert (incident.status, incident.severity) == (IncidentStatus.OPEN, Severity.CRITICAL)
    assert (incident.title, incident.service) == ("ErrorRate on gateway", "gateway")
    assert incident.autonomy is Autonomy.ACT, "gateway may be acted on when it is critical"
    assert incident.opened_at == clock.now()
    assert len(incident.trace_id) == 32
    async with store.read() as tx:
        (alert,) = await tx.alerts.of_incident(opened)
    assert incident.alerts == (alert.fingerprint,)
    assert (alert.service, alert.source) == ("gateway", "alertmanager")
    assert await story(store, opened) == ["ErrorRate is firing (critical): no incident of its group is active"]
    assert await counts(store) == {"done": 1}
    assert await intake.drain() == []


async def test_alerts_of_one_service_join_and_raise_severity_and_autonomy(store: Store, intake: Intake) -> None:
    await post(store, wire_alert("Latency", severity="warning"))
    await post(store, wire_alert("ErrorRate", severity="critical"))
    await post(store, wire_alert("Noise", severity="warning"))
    (opened,) = await intake.drain()
    (incident,) = await incidents(store)
    assert (incident.severity, incident.autonomy, len(incident.alerts)) == (Severity.CRITICAL, Autonomy.ACT, 3)
    assert "severity raised from warning to critical, autonomy is act" in await story(store, opened)


async def test_one_alert_that_gets_worse_raises_its_incident(store: Store, intake: Intake) -> None:
    await post(store, wire_alert(severity="warning", fingerprint="same"))
    await post(store, wire_alert(severity="critical", fingerprint="same"))
    await intake.drain()
    (incident,) = await incidents(store)
    assert incident.severity is Severity.CRITICAL


async def test_alerts_without_a_service_group_by_name(store: Store, intake: Intake) -> None:
    for service in ("unheard-of", "unknown"):
        await post(store, wire_alert("DiskFull", service), wire_alert("BackupLate", service))
    opened = await intake.drain()
    found = await incidents(store)
    assert len(opened) == 2
    assert {(incident.title, incident.service) for incident in found} == {("DiskFull", ""), ("BackupLate", "")}
    assert {incident.autonomy for incident in found} == {Autonomy.PROPOSE}


async def test_info_is_recorded_without_an_incident(store: Store, intake: Intake) -> None:
    await post(store, wire_alert(severity="info"))
    assert await intake.drain() == []
    assert await incidents(store) == []
    async with store.read() as tx:
        assert [stored.incident_id for stored in await tx.alerts.firing()] == [""]


async def test_the_end_of_all_alerts_is_noted_where_a_human_is_waited_for(store: Store, intake: Intake) -> None:
    await post(store, wire_alert("ErrorRate"), wire_alert("Latency"))
    (opened,) = await intake.drain()
    async with store.write() as tx:
        await tx.incidents.update(opened, status=IncidentStatus.ESCALATED)
    await post(store, wire_alert("ErrorRate", resolved_at="2026-03-03T12:00:00Z"))
    await intake.drain()
    assert (await story(store, opened))[2:] == ["ErrorRate is resolved"]
    await post(store, wire_alert("Latency", resolved_at="2026-03-03T12:00:00Z"))
    await intake.drain()
    assert (await story(store, opened))[3:] == ["Latency is resolved", "all alerts of the incident are resolved"]
    async with store.read() as tx:
        assert await tx.alerts.firing() == []


async def test_a_live_run_is_left_to_find_the_end_itself(store: Store, intake: Intake) -> None:
    await post(store, wire_alert())
    (opened,) = await intake.drain()
    await post(store, wire_alert(resolved_at="2026-03-03T12:00:00Z"))
    await intake.drain()
    assert (await story(store, opened))[1:] == ["ErrorRate is resolved"]


async def test_a_late_end_does_not_overwrite_the_firing_on_record(store: Store, intake: Intake) -> None:
    await post(store, wire_alert(starts_at="2026-03-03T11:59:00Z"))
    await post(store, wire_alert(starts_at="2026-03-03T11:00:00Z", resolved_at="2026-03-03T11:30:00Z"))
    await intake.drain()
    async with store.read() as tx:
        assert [stored.alert.status for stored in await tx.alerts.firing()] == [AlertStatus.FIRING]


async def test_an_ended_incident_is_never_reopened(store: Store, intake: Intake, clock: ManualClock) -> None:
    await post(store, wire_alert())
    (first,) = await intake.drain()
    async with store.write() as tx:
        await tx.incidents.update(first, status=IncidentStatus.RESOLVED, ended_at=clock.now())
    await post(store, wire_alert())
    assert await intake.drain() == [], "it may lag behind"
    await post(store, wire_alert(resolved_at="2026-03-03T12:00:00Z"))
    await post(store, wire_alert(starts_at="2026-03-03T12:00:05Z"))
    (second,) = await intake.drain()
    assert second != first
    async with store.read() as tx:
        assert (await tx.incidents.get(first)).status is IncidentStatus.RESOLVED


async def test_a_poison_item_is_set_aside_with_its_reason_and_blocks_nothing(
    store: Store, inventory: Inventory, clock: ManualClock
) -> None:
    class Choking(Inventory):
        """Fails on one alert as a bug would."""

        def resolve(self, labels: object) -> object:  # type: ignore[override] # only raises, or passes on
            if labels["alertname"] == "Poison":  # type: ignore[index] # always a mapping here
                raise RuntimeError("bug in resolve")
            return inventory.resolve(labels)  # type: ignore[arg-type] # see above

    intake = Intake(store, Choking([]), clock, CorrelationSettings(), autonomy=Autonomy.PROPOSE)
    await post(store, wire_alert("Good"), wire_alert("Poison", "cart"))
    await post(store, wire_alert("Latency", "payment"))
    assert len(await intake.drain()) == 1
    assert [incident.title for incident in await incidents(store)] == ["Latency on payment"], "no half of an item"
    assert await counts(store) == {"failed": 1, "done": 1}


async def test_a_body_that_no_longer_parses_is_set_aside(store: Store, intake: Intake) -> None:
    async with store.write() as tx:
        await tx.inbox.add("alertmanager", b"{}")
        await tx.inbox.add("carrier pigeon", body(wire_alert()))
    assert await intake.drain() == []
    assert await counts(store) == {"failed": 2}


async def test_a_crash_before_the_commit_repeats_the_item_and_nothing_else(
    store: Store, inventory: Inventory, clock: ManualClock
) -> None:
    class Dying(Intake):
        """Is killed after its work and before the commit."""

        async def _take_in(self, tx: Tx, item: InboxItem) -> list[str]:
            await super()._take_in(tx, item)
            raise asyncio.CancelledError

    await post(store, wire_alert())
    dying = Dying(store, inventory, clock, CorrelationSettings(), autonomy=Autonomy.PROPOSE)
    with pytest.raises(asyncio.CancelledError):
        await dying.drain()
    assert await incidents(store) == []
    assert await counts(store) == {"pending": 1}
    intake = Intake(store, inventory, clock, CorrelationSettings(), autonomy=Autonomy.PROPOSE)
    assert len(await intake.drain()) == 1
    async with store.read() as tx:
        assert [stored.count for stored in await tx.alerts.firing()] == [1]


async def test_a_database_that_fails_is_no_fault_of_the_item(
    store: Store, inventory: Inventory, clock: ManualClock
) -> None:
    class Locked(Intake):
        """Finds the database locked half way."""

        async def _take_in(self, tx: Tx, item: InboxItem) -> list[str]:
            raise StoreUnavailable("locked")

    await post(store, wire_alert())
    with pytest.raises(StoreUnavailable):
        await Locked(store, inventory, clock, CorrelationSettings(), autonomy=Autonomy.PROPOSE).drain()
    assert await counts(store) == {"pending": 1}


async def test_a_drain_takes_a_bounded_bite(store: Store, intake: Intake) -> None:
    for name in ("A", "B", "C"):
        await post(store, wire_alert(name))
    await intake.drain(limit=2)
    assert await counts(store) == {"done": 2, "pending": 1}


async def test_200_concurrent_posts_with_150_duplicates(store: Store, intake: Intake, inventory: Inventory) -> None:
    services = [service.name for service in inventory.all()]
    fresh = [wire_alert(f"Alert{number}", services[number % 3]) for number in range(50)]
    posts = [*fresh, *(fresh[number % 50] for number in range(150))]
    receipts, *drained = await asyncio.gather(
        asyncio.gather(*(post(store, alert) for alert in posts)), intake.drain(), intake.drain()
    )
    opened = [*(each for part in drained for each in part), *await intake.drain(), *await intake.drain()]
    assert len({receipt.id for receipt in receipts}) == 200
    assert await counts(store) == {"done": 200}
    assert len(opened) == len(set(opened)) == 3
    async with store.read() as tx:
        active = [await tx.incidents.find(ATTENTION, service) for service in services]
        stored = await tx.alerts.firing()
    assert [len(found) for found in active] == [1, 1, 1]
    assert Counter(count.count for count in stored) == {4: 50}
    assert sum(len(incident.alerts) for (incident,) in active) == 50


async def test_quiet_escalated_incidents_do_not_hide_the_next_outage(
    store: Store, intake: Intake, clock: ManualClock
) -> None:
    await post(store, wire_alert())
    (first,) = await intake.drain()
    async with store.write() as tx:
        await tx.incidents.update(first, status=IncidentStatus.ESCALATED)
    clock.advance(timedelta(hours=1).total_seconds())
    await post(store, wire_alert("Latency"))
    assert len(await intake.drain()) == 1


async def test_an_alert_that_flaps_keeps_its_escalated_incident_collecting(
    store: Store, intake: Intake, clock: ManualClock
) -> None:
    await post(store, wire_alert())
    (first,) = await intake.drain()
    async with store.write() as tx:
        await tx.incidents.update(first, status=IncidentStatus.ESCALATED)
    for _ in range(4):
        clock.advance(600)
        now = clock.now().isoformat()
        await post(store, wire_alert(resolved_at=now))
        await post(store, wire_alert(starts_at=now))
        assert await intake.drain() == []
    async with store.read() as tx:
        assert (await tx.incidents.get(first)).updated_at == clock.now()
