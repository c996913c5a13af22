"""The same alerts in any order, however often repeated and however packed, come to the same incidents."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.models import ATTENTION, Autonomy, Incident, Service
from events.alertmanager import fingerprint
from events.correlation import CorrelationSettings
from events.inbox import accept
from events.intake import Intake
from stores.alerts import StoredAlert
from stores.store import Store
from tests.events.payloads import NOON, body, wire_alert
from tools.inventory import Inventory

NAMES = ("ErrorRate", "Latency", "Down")
SERVICES = ("gateway", "payment", "unheard-of")
INVENTORY = Inventory([Service(name="gateway"), Service(name="payment")])
FIRING = st.builds(wire_alert, st.sampled_from(NAMES), st.sampled_from(SERVICES), st.sampled_from(["page", "warning"]))
RESOLVED = FIRING.map(lambda alert: alert | {"status": "resolved", "endsAt": "2026-03-03T12:00:00Z"})


@st.composite
def packed(draw: st.DrawFn, alerts: st.SearchStrategy[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Notifications: alerts, some of them again, in any order, cut anywhere."""
    first = draw(st.lists(alerts, min_size=1, max_size=8))
    again = draw(st.lists(st.sampled_from(first), max_size=8))
    sent = draw(st.permutations([*first, *again]))
    size = draw(st.integers(1, 5))
    return [sent[start : start + size] for start in range(0, len(sent), size)]


@asynccontextmanager
async def fresh(template: Path) -> AsyncIterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        path = shutil.copy(template, Path(folder) / "quell.db")
        store = await Store.open(f"sqlite+aiosqlite:///{path}", ManualClock(NOON))
        yield store
        await store.close()


async def replay(
    template: Path, notifications: list[list[dict[str, Any]]]
) -> tuple[list[Incident], dict[str, StoredAlert | None]]:
    """All incidents, and what is on record of each alert, after the notifications came in."""
    identities = {fingerprint(alert["labels"]) for alerts in notifications for alert in alerts}
    async with fresh(template) as store:
        for alerts in notifications:
            await accept(store, "alertmanager", body(*alerts))
        intake = Intake(store, INVENTORY, ManualClock(NOON), CorrelationSettings(), autonomy=Autonomy.PROPOSE)
        await intake.drain()
        async with store.read() as tx:
            assert (await tx.inbox.counts())["done"] == len(notifications)
            found = await tx.incidents.find(ATTENTION)
            return found, {identity: await tx.alerts.get(identity) for identity in identities}


def group(labels: dict[str, str]) -> str:
    """The title and service that alerts of one cause share: one incident a service, else one a name."""
    return labels["service"] if INVENTORY.get(labels["service"]) else labels["alertname"]


@given(notifications=packed(FIRING))
@settings(max_examples=15, deadline=None)
async def test_firing_alerts_leave_one_active_incident_a_group_and_none_is_lost(
    empty_database: Path, notifications: list[list[dict[str, Any]]]
) -> None:
    incidents, stored = await replay(empty_database, notifications)
    sent = Counter(fingerprint(alert["labels"]) for alerts in notifications for alert in alerts)
    groups = {group(alert["labels"]) for alerts in notifications for alert in alerts}
    assert sorted(incident.service or incident.title for incident in incidents) == sorted(groups)
    assert sorted(each for incident in incidents for each in incident.alerts) == sorted(sent)
    assert {identity: known.count for identity, known in stored.items() if known} == sent
    worst = dict.fromkeys(groups, "warning") | {
        group(alert["labels"]): "critical"
        for alerts in notifications
        for alert in alerts
        if alert["labels"]["severity"] == "page"
    }
    assert {incident.service or incident.title: incident.severity for incident in incidents} == worst


@given(notifications=packed(FIRING | RESOLVED))
@settings(max_examples=15, deadline=None)
async def test_ends_among_them_never_split_a_group_or_lose_an_alert(
    empty_database: Path, notifications: list[list[dict[str, Any]]]
) -> None:
    incidents, stored = await replay(empty_database, notifications)
    names = [incident.service or incident.title for incident in incidents]
    assert len(names) == len(set(names))
    assert all(stored.values())
    held = {each for incident in incidents for each in incident.alerts}
    fired = {fingerprint(a["labels"]) for alerts in notifications for a in alerts if a["status"] == "firing"}
    assert held == fired
    assert {identity for identity, known in stored.items() if known and known.incident_id} == fired
