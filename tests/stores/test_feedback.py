"""Judgements and suppressions on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.clock import ManualClock
from core.errors import Conflict
from core.models import AlertPattern, Judgement, Severity
from stores.store import Store
from tests.stores.samples import NOON, alert, incident

PATTERN = AlertPattern(service="gateway", name="Latency", shape="spike")
OTHER = PATTERN.model_copy(update={"shape": "level_shift"})
EVER = NOON - timedelta(days=999)
FALSE, REAL = Judgement.FALSE_ALARM, Judgement.REAL


async def judge(store: Store, incident_id: str, judged: Judgement, severity: Severity = Severity.CRITICAL) -> None:
    async with store.write() as tx:
        await tx.feedback.judge(incident_id, [PATTERN, PATTERN], judged, severity, "ann")


async def counts(
    store: Store, severity: Severity = Severity.WARNING, since: timedelta | None = None
) -> tuple[int, int]:
    async with store.read() as tx:
        record = await tx.feedback.record(PATTERN, NOON - since if since else EVER, severity)
        assert (await tx.feedback.record(OTHER, EVER, severity)).false_alarms == 0
    return record.false_alarms, record.real


async def test_each_incident_counts_once_with_its_last_judgement(store: Store) -> None:
    async with store.write() as tx:
        for identity in ("inc_1", "inc_2"):
            await tx.incidents.add(incident(identity))
    assert await counts(store) == (0, 0)
    await judge(store, "inc_1", FALSE)
    await judge(store, "inc_2", FALSE)
    await judge(store, "inc_2", FALSE)
    assert await counts(store) == (2, 0)
    await judge(store, "inc_1", REAL)
    assert await counts(store) == (1, 1)


async def test_false_alarms_fade_and_count_by_severity_and_what_was_real_does_not(
    store: Store, clock: ManualClock
) -> None:
    async with store.write() as tx:
        for identity in ("inc_1", "inc_2"):
            await tx.incidents.add(incident(identity))
    await judge(store, "inc_1", FALSE, Severity.WARNING)
    await judge(store, "inc_2", REAL, Severity.INFO)
    assert await counts(store, Severity.WARNING) == (1, 1)
    assert await counts(store, Severity.CRITICAL) == (0, 1)
    clock.advance(3600)
    async with store.read() as tx:
        record = await tx.feedback.record(PATTERN, clock.now(), Severity.INFO)
    assert (record.false_alarms, record.real, record.last_by) == (0, 1, "ann")


async def test_an_incident_that_does_not_exist_cannot_be_judged(store: Store) -> None:
    with pytest.raises(Conflict):
        await judge(store, "inc_9", FALSE)


async def test_a_firing_that_is_kept_quiet_is_one_row_however_often_it_is_heard_of(
    store: Store, clock: ManualClock
) -> None:
    firing = alert(service="gateway")
    async with store.write() as tx:
        assert await tx.suppressions.add(firing, "judged before")
    clock.advance(60)
    async with store.write() as tx:
        assert not await tx.suppressions.add(firing, "judged again")
        assert await tx.suppressions.add(firing.model_copy(update={"starts_at": clock.now()}), "judged again")
    async with store.read() as tx:
        found = await tx.suppressions.find()
        assert await tx.suppressions.find("payment") == []
        assert len(await tx.suppressions.find("gateway", limit=1)) == 1
    assert {(one.count, one.reason) for one in found} == {(2, "judged again"), (1, "judged again")}
    assert {one.pattern for one in found} == {AlertPattern.of(firing).id}
