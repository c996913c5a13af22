"""Incidents and what hangs on them: alerts, timeline, evidence, recordings, decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import NotFound
from core.models import (
    ATTENTION,
    AlertStatus,
    Decision,
    Digest,
    Evidence,
    EvidenceKind,
    IncidentStatus,
    Rung,
    TimelineEntry,
    Window,
)
from stores.recordings import Recording
from stores.store import Store
from tests.stores.samples import NOON, alert, incident


def evidence(identity: str, **fields: Any) -> Evidence:
    return Evidence(
        **{
            "id": identity,
            "incident_id": "inc_1",
            "kind": EvidenceKind.METRIC,
            "tool": "metric_digest",
            "source": "buffer",
            "query": "{}",
            "window": Window(start=NOON, end=NOON),
            "subject": "payment",
            "digest": Digest(summary="errors rose"),
            **fields,
        }
    )


async def test_incidents_are_found_newest_first_by_status_and_service(store: Store) -> None:
    async with store.write() as tx:
        for minute, (service, status) in enumerate(
            [("cart", IncidentStatus.OPEN), ("cart", IncidentStatus.CLOSED), ("orders", IncidentStatus.OPEN)]
        ):
            at = NOON + timedelta(minutes=minute)
            await tx.incidents.add(incident(f"inc_{minute}", service=service, status=status, opened_at=at))

        async def ids(**query: Any) -> list[str]:
            return [each.id for each in await tx.incidents.find(**query)]

        assert await ids() == ["inc_2", "inc_1", "inc_0"]
        assert await ids(statuses=[IncidentStatus.OPEN]) == ["inc_2", "inc_0"]
        assert await ids(service="cart") == ["inc_1", "inc_0"]
        assert await ids(service="cart", statuses=ATTENTION) == ["inc_0"]
        assert await ids(statuses=[]) == []


async def test_pages_neither_skip_nor_repeat_incidents_of_one_instant(store: Store) -> None:
    async with store.write() as tx:
        for number in range(7):
            await tx.incidents.add(incident(f"inc_{number}"))
        pages: list[str] = []
        before = None
        while page := await tx.incidents.find(limit=3, before=before):
            pages += [each.id for each in page]
            before = page[-1].id
    assert pages == [f"inc_{number}" for number in reversed(range(7))]


async def test_a_new_alert_joins_the_newest_incident_that_wants_attention(store: Store) -> None:
    async with store.write() as tx:
        assert await tx.incidents.active_for("gateway") is None
        await tx.incidents.add(incident("inc_old", status=IncidentStatus.ESCALATED))
        await tx.incidents.add(
            incident("inc_new", status=IncidentStatus.RESOLVED, opened_at=NOON + timedelta(minutes=1))
        )
        active = await tx.incidents.active_for("gateway")
        assert active is not None
        assert active.id == "inc_old"


async def test_an_update_moves_updated_at_and_nothing_else(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident())
        clock.advance(5)
        changed = await tx.incidents.update("inc_1", status=IncidentStatus.HEALING, confidence=0.9)
        expected = incident(status=IncidentStatus.HEALING, confidence=0.9, updated_at=NOON + timedelta(seconds=5))
        assert changed == expected == await tx.incidents.get("inc_1")


async def test_an_alert_is_attached_once(store: Store) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident())
        await tx.incidents.attach("inc_1", "fp_1")
        await tx.incidents.attach("inc_1", "fp_2")
        assert (await tx.incidents.attach("inc_1", "fp_1")).alerts == ("fp_1", "fp_2")
        with pytest.raises(NotFound):
            await tx.incidents.attach("inc_none", "fp_1")


async def test_an_alert_that_repeats_is_counted_and_keeps_its_first_time(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        assert await tx.alerts.get("fp_1") is None
        await tx.alerts.save(alert(), "inc_1")
        clock.advance(60)
        again = await tx.alerts.save(alert(annotations={"summary": "worse"}), "inc_1")
        assert (again.count, again.first_seen, again.last_seen) == (2, NOON, NOON + timedelta(seconds=60))
        assert again.alert.annotations == {"summary": "worse"}
        assert await tx.alerts.get("fp_1") == again


async def test_an_alert_that_comes_back_belongs_to_both_incidents(store: Store) -> None:
    async with store.write() as tx:
        await tx.alerts.save(alert(), "inc_1")
        await tx.alerts.save(alert("fp_2"), "inc_1")
        later = await tx.alerts.save(alert(annotations={"summary": "again"}), "inc_2")
        assert later.count == 1
        assert await tx.alerts.get("fp_1") == later
        assert [each.fingerprint for each in await tx.alerts.of_incident("inc_1")] == ["fp_1", "fp_2"]
        assert await tx.alerts.of_incident("inc_2") == [later.alert]


async def test_firing_lists_the_current_word_on_each_alert(store: Store) -> None:
    async with store.write() as tx:
        await tx.alerts.save(alert("fp_gone"), "inc_1")
        await tx.alerts.save(alert("fp_gone", status=AlertStatus.RESOLVED), "inc_2")
        await tx.alerts.save(alert("fp_on"), "")
        assert [each.alert.fingerprint for each in await tx.alerts.firing()] == ["fp_on"]


async def test_the_timeline_is_in_order_and_keyed_lines_are_written_once(store: Store) -> None:
    def line(text: str, minute: int) -> TimelineEntry:
        return TimelineEntry(at=NOON + timedelta(minutes=minute), kind="note", text=text)

    async with store.write() as tx:
        for identity in ("inc_1", "inc_2"):
            await tx.incidents.add(incident(identity))
        await tx.timeline.add("inc_1", line("second", 1))
        await tx.timeline.add("inc_1", line("first", 0), key="act:1")
        await tx.timeline.add("inc_1", line("repeated", 2), key="act:1")
        await tx.timeline.add("inc_1", line("second", 1))
        await tx.timeline.add("inc_2", line("another's", 0), key="act:1")
        assert [each.text for each in await tx.timeline.of_incident("inc_1")] == ["first", "second", "second"]
        assert [each.text for each in await tx.timeline.of_incident("inc_2")] == ["another's"]


async def test_evidence_is_immutable_and_in_order(store: Store) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident())
        await tx.evidence.add(evidence("ev_b"))
        await tx.evidence.add(evidence("ev_a"))
        await tx.evidence.add(evidence("ev_b", tool="log_digest"))
        assert await tx.evidence.of_incident("inc_1") == [evidence("ev_b"), evidence("ev_a")]
        assert await tx.evidence.ids("inc_1") == {"ev_a", "ev_b"}
        assert await tx.evidence.ids("inc_2") == set()
        with pytest.raises(NotFound, match="no evidence ev_c"):
            await tx.evidence.get("ev_c")


async def test_a_recording_is_found_by_its_call_and_kept_small(store: Store) -> None:
    payload = b'{"values": [[1.0, 1.0, 1.0]]}' * 1000
    async with store.write() as tx:
        await tx.incidents.add(incident())
        await tx.recordings.add("inc_1", "ev_1", "metrics", "up", payload)
        await tx.recordings.add("inc_1", "ev_2", "metrics", "up", b"later")
        await tx.recordings.add("inc_1", "ev_2", "logs", "up", b"")
        assert await tx.recordings.find("inc_1", "metrics", "up") == payload
        assert await tx.recordings.find("inc_1", "metrics", "down") is None
        assert await tx.recordings.of_incident("inc_1") == [
            Recording(evidence_id="ev_1", port="metrics", key="up", payload=payload),
            Recording(evidence_id="ev_2", port="logs", key="up", payload=b""),
        ]
        stored = (await tx.connection.exec_driver_sql("SELECT max(length(payload)) FROM recordings")).scalar_one()
        assert stored < len(payload) / 20


async def test_a_decision_is_kept_once(store: Store) -> None:
    decision = Decision(
        id="dec_1",
        incident_id="inc_1",
        agent="rca",
        agent_version="1",
        rung=Rung.RULES,
        result="{}",
        confidence=0.8,
        at=NOON,
    )
    async with store.write() as tx:
        await tx.incidents.add(incident())
        await tx.decisions.add(decision)
        await tx.decisions.add(decision.model_copy(update={"confidence": 0.1}))
        assert await tx.decisions.of_incident("inc_1") == [decision]
