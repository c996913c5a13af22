"""An outage of the database is told once, on the timelines of the incidents that it held up."""

from __future__ import annotations

from datetime import timedelta

from app.outages import OutageEnds, OutageLog
from core.clock import ManualClock
from core.errors import StoreUnavailable
from core.models import IncidentStatus, TimelineEntry
from stores.store import Store
from tests.remediation.actor import CountingActuator
from tests.stores.samples import NOON, incident
from tests.tools.world import Logs, Metrics
from tools.outages import Answer, tell_changes
from tools.sources import Sources


async def outages_of(store: Store, incident_id: str) -> list[TimelineEntry]:
    async with store.read() as tx:
        return [each for each in await tx.timeline.of_incident(incident_id) if each.kind == "outage"]


async def test_an_outage_is_told_to_those_it_held_up(store: Store, clock: ManualClock) -> None:
    later = NOON + timedelta(seconds=30)
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_live"))
        await tx.incidents.add(incident("inc_waiting", status=IncidentStatus.AWAITING_APPROVAL))
        await tx.incidents.add(incident("inc_just_ended", status=IncidentStatus.RESOLVED, ended_at=later))
        before = NOON - timedelta(seconds=1)
        await tx.incidents.add(incident("inc_old", status=IncidentStatus.RESOLVED, ended_at=before))
    outages = OutageLog(store, clock, "worker-1")
    await outages.tell()
    outages.saw(StoreUnavailable("the database went away", fix="start it"))
    clock.advance(12)
    outages.saw(StoreUnavailable("still away", fix="start it"))
    clock.advance(30)
    await outages.tell()
    await outages.tell()
    for held_up in ("inc_live", "inc_waiting", "inc_just_ended"):
        began, over = await outages_of(store, held_up)
        assert (began.at, over.at) == (NOON, NOON + timedelta(seconds=42))
        assert began.text == "worker-1 could not reach the database: the database went away"
        assert over.text == "worker-1 reaches the database again after 42.0 s"
    assert await outages_of(store, "inc_old") == []


async def test_two_outages_and_two_workers_are_told_apart(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_live"))
    for _ in range(2):
        for holder in ("worker-1", "worker-2"):
            outages = OutageLog(store, clock, holder)
            outages.saw(StoreUnavailable("away", fix=""))
            clock.advance(5)
            await outages.tell()
    assert len(await outages_of(store, "inc_live")) == 8


async def test_the_end_is_told_to_an_incident_that_does_not_ask_any_more(store: Store, clock: ManualClock) -> None:
    ended = incident("inc_ended", status=IncidentStatus.RESOLVED, ended_at=NOON)
    async with store.write() as tx:
        await tx.incidents.add(ended)
        await tx.incidents.add(incident("inc_other"))
    await tell_changes(store, ended.id, [Answer("counting", "refused"), Answer("gone", "refused")], clock.now())
    clock.advance(20)
    ends = OutageEnds(store, Sources(Metrics(), Logs(), (CountingActuator(),)), clock)
    for _ in range(2):
        await ends.look()
    told = [each.text for each in await outages_of(store, ended.id)]
    assert told == ["counting: refused", "gone: refused", "counting answers again after 20.0 s"]
    assert await outages_of(store, "inc_other") == []
