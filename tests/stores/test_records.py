"""What is stored comes back equal, whatever its fields hold; and every field has a place."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Table, text

from core.errors import Conflict, NotFound, StoreCorrupt
from core.models import (
    Approval,
    Attempt,
    Decision,
    Evidence,
    Incident,
    IncidentStatus,
    Model,
    TimelineEntry,
)
from stores import tables
from stores.alerts import StoredAlert
from stores.audit import AuditEntry, AuditHead
from stores.inbox import InboxItem
from stores.leases import Lease
from stores.outbox import OutboxItem
from stores.recordings import Recording
from stores.store import Store, Tx
from tests.stores.samples import incident
from tests.strategies import nouns

MAPPED: dict[type[Model], Table] = {
    Incident: tables.INCIDENTS,
    StoredAlert: tables.ALERTS,
    InboxItem: tables.INBOX,
    TimelineEntry: tables.TIMELINE,
    Evidence: tables.EVIDENCE,
    Recording: tables.RECORDINGS,
    Decision: tables.DECISIONS,
    Attempt: tables.ATTEMPTS,
    Approval: tables.APPROVALS,
    OutboxItem: tables.OUTBOX,
    AuditEntry: tables.AUDIT,
    AuditHead: tables.AUDIT_HEAD,
    Lease: tables.LEASES,
}


@pytest.mark.parametrize("model", MAPPED, ids=lambda model: model.__name__)
def test_every_field_of_a_stored_model_has_a_column(model: type[Model]) -> None:
    assert set(model.model_fields) <= set(MAPPED[model].columns.keys())


async def keep(tx: Tx, value: Model) -> Any:
    """Store a noun through its repository and read it back."""
    match value:
        case Incident():
            await tx.incidents.add(value)
            return await tx.incidents.get(value.id)
        case Evidence():
            await tx.evidence.add(value)
            return await tx.evidence.get(value.id)
        case Attempt():
            await tx.attempts.reserve(value)
            return await tx.attempts.get(value.id)
        case Approval():
            await tx.approvals.request(value)
            return await tx.approvals.get(value.id)
        case Decision():
            await tx.decisions.add(value)
            return (await tx.decisions.of_incident(value.incident_id))[0]
        case TimelineEntry():
            identity = f"inc_{uuid4()}"
            await tx.incidents.add(incident(identity))
            await tx.timeline.add(identity, value)
            return (await tx.timeline.of_incident(identity))[0]
    raise AssertionError(type(value))


@pytest.mark.parametrize("model", [Incident, Evidence, Attempt, Approval, Decision, TimelineEntry])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_noun_comes_back_equal(store: Store, model: type[Model], data: st.DataObject) -> None:
    unique = str(uuid4())  # the examples share one database
    value = data.draw(nouns(model))
    if "incident_id" in model.model_fields:
        value = value.model_copy(update={"id": unique, "incident_id": unique})
    elif model is Incident:
        value = value.model_copy(update={"id": unique})
    if isinstance(value, Attempt):
        named = value.proposal.model_copy(update={"service": unique})
        value = value.model_copy(update={"proposal": named})
    async with store.write() as tx:
        if "incident_id" in model.model_fields:
            await tx.incidents.add(incident(unique))
        found = await keep(tx, value)
    assert found == value
    assert type(found) is type(value)


async def damaged(store: Store, damage: str) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident())
        await tx.connection.execute(text(f"UPDATE incidents SET {damage}"))  # noqa: S608 - the test's own words
    async with store.read() as tx:
        with pytest.raises(StoreCorrupt, match="backup"):
            await tx.incidents.get("inc_1")


@pytest.mark.parametrize("damage", ["status = 'nonsense'", "alerts = '{}'"])
async def test_a_row_that_is_not_what_was_written_is_corrupt(store: Store, damage: str) -> None:
    await damaged(store, damage)


@pytest.mark.parametrize(
    "damage", ["opened_at = 'yesterday'", "opened_at = 5", "alerts = '[1, '", "confidence = 'much'"]
)
async def test_a_value_that_is_not_of_its_column_is_corrupt(file_store: Store, damage: str) -> None:
    """PostgreSQL lets nobody write these."""
    await damaged(file_store, damage)


async def test_a_recording_that_does_not_decompress_is_corrupt(store: Store) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident())
        await tx.recordings.add("inc_1", "ev_1", "metrics", "{}", b"frame")
        await tx.connection.execute(text("UPDATE recordings SET payload = :broken"), {"broken": b"x"})
        with pytest.raises(StoreCorrupt, match="decompress"):
            await tx.recordings.of_incident("inc_1")


async def test_an_update_is_checked_like_the_model(store: Store) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident())
        with pytest.raises(ValidationError):
            await tx.incidents.update("inc_1", sevrity="critical")
        with pytest.raises(ValidationError):
            await tx.incidents.update("inc_1", status="finished")
        with pytest.raises(NotFound, match="no incident inc_2"):
            await tx.incidents.update("inc_2", status=IncidentStatus.CLOSED)
        assert await tx.incidents.get("inc_1") == incident()


async def test_records_belong_to_an_incident_that_exists(store: Store) -> None:
    with pytest.raises(Conflict, match=r"(?i)foreign key"):
        async with store.write() as tx:
            await tx.recordings.add("inc_none", "ev_1", "metrics", "{}", b"frame")


async def test_the_same_incident_is_not_added_twice(store: Store) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident())
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await tx.incidents.add(incident())
