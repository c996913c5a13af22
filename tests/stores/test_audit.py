"""The audit chain holds while it is only appended to, and shows where anything else was done to it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from stores import audit
from stores.audit import GENESIS, AuditEntry
from stores.store import Store, Tx
from tests.strategies import TEXTS

examples = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "actor": TEXTS,
            "action": TEXTS,
            "subject": TEXTS,
            "detail": st.dictionaries(TEXTS, TEXTS, max_size=3),
        }
    ),
    min_size=1,
    max_size=6,
)
CHANGES = [
    "actor = actor || 'x'",
    "action = action || 'x'",
    "subject = subject || 'x'",
    'detail = \'{"forged": "x", "by": "me"}\'',
    "at = '2020-01-01 00:00:00.000000'",
    "previous_hash = hash",
    "hash = previous_hash",
    "sequence = sequence + 1000",
]
DAMAGE = ["at = 'garbage'", "detail = '['"]
"""What only SQLite lets anybody write."""


class _Undo(Exception):
    """Ends a transaction without keeping it."""


@asynccontextmanager
async def scratch(store: Store) -> AsyncIterator[Tx]:
    """A transaction that leaves nothing behind, so that examples can share a database."""
    try:
        async with store.write() as tx:
            yield tx
            raise _Undo
    except _Undo:
        pass


async def append_all(tx: Tx, entries: Sequence[dict[str, Any]]) -> list[AuditEntry]:
    return [await tx.audit.append(**entry) for entry in entries]


@examples
@given(entries=ENTRIES)
async def test_a_chain_that_was_only_appended_to_holds(store: Store, entries: list[dict[str, Any]]) -> None:
    async with scratch(store) as tx:
        written = await append_all(tx, entries)
        assert await tx.audit.entries() == written
        assert [each.sequence for each in written] == list(range(1, len(entries) + 1))
        assert [each.previous_hash for each in written] == [GENESIS, *(each.hash for each in written[:-1])]
        report = await tx.audit.verify()
        assert (report.ok, report.entries, report.broken_at) == (True, len(entries), None)


@examples
@given(entries=ENTRIES, data=st.data())
async def test_a_changed_entry_is_named(store: Store, entries: list[dict[str, Any]], data: st.DataObject) -> None:
    victim = data.draw(st.integers(1, len(entries)))
    change = data.draw(st.sampled_from(CHANGES))
    async with scratch(store) as tx:
        await append_all(tx, entries)
        await tx.connection.execute(text(f"UPDATE audit SET {change} WHERE sequence = {victim}"))  # noqa: S608 - ours
        report = await tx.audit.verify()
        assert (report.ok, report.entries, report.broken_at) == (False, victim - 1, victim)
        assert report.detail


@examples
@given(entries=ENTRIES, data=st.data())
async def test_a_removed_entry_is_named_even_at_the_tail(
    store: Store, entries: list[dict[str, Any]], data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, len(entries)))
    last = data.draw(st.integers(first, len(entries)))
    async with scratch(store) as tx:
        await append_all(tx, entries)
        await tx.connection.execute(text(f"DELETE FROM audit WHERE sequence BETWEEN {first} AND {last}"))  # noqa: S608 - ours
        report = await tx.audit.verify()
        assert (report.ok, report.broken_at) == (False, first)


async def test_a_resealed_forgery_breaks_the_next_entry(store: Store) -> None:
    async with scratch(store) as tx:
        [first, _] = await append_all(tx, [{"actor": "quell", "action": "act", "subject": "att_1", "detail": {}}] * 2)
        forged = first.model_copy(update={"actor": "nobody"}).sealed()
        await tx.connection.execute(
            text("UPDATE audit SET actor = 'nobody', hash = :hash WHERE sequence = 1"), {"hash": forged.hash}
        )
        assert (await tx.audit.verify()).broken_at == 2


@pytest.mark.parametrize("damage", ["DELETE FROM audit_head", "UPDATE audit_head SET count = 1"])
async def test_a_changed_head_is_noticed(store: Store, damage: str) -> None:
    async with scratch(store) as tx:
        await append_all(tx, [{"actor": "quell", "action": "act", "subject": "att_1", "detail": {}}] * 2)
        await tx.connection.execute(text(damage))
        assert not (await tx.audit.verify()).ok


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_entry_is_named_among_many_pages(
    file_store: Store, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(audit, "PAGE", 4)
    async with scratch(file_store) as tx:
        await append_all(tx, [{"actor": "quell", "action": "act", "subject": "att_1", "detail": {}}] * 10)
        assert (await tx.audit.verify()).entries == 10
        await tx.connection.execute(text(f"UPDATE audit SET {damage} WHERE sequence = 7"))  # noqa: S608 - ours
        report = await tx.audit.verify()
        assert (report.entries, report.broken_at) == (6, 7)


async def test_an_empty_chain_holds(store: Store) -> None:
    async with store.read() as tx:
        report = await tx.audit.verify()
        assert (report.ok, report.entries) == (True, 0)


async def test_the_canonical_form_stays_as_it_is(store: Store) -> None:
    """A change of it would make every chain that is out there look forged."""
    async with scratch(store) as tx:
        entry = await tx.audit.append("quell", "act", "payment", {"incident": "inc_1", "ümlaut": "ß"})
    content = (
        '{"action":"act","actor":"quell","at":"2026-03-03T12:00:00Z","detail":{"incident":"inc_1","ümlaut":"ß"},'
        f'"previous_hash":"{GENESIS}","sequence":1,"subject":"payment"}}'
    )
    assert entry.hash == hashlib.sha256(content.encode()).hexdigest()


async def test_entries_are_paged_and_filtered_by_incident(store: Store) -> None:
    async with scratch(store) as tx:
        for subject, detail in [("inc_1", {}), ("att_1", {"incident": "inc_1"}), ("inc_2", {}), ("att_2", {})]:
            await tx.audit.append("quell", "act", subject, detail)
        assert [each.sequence for each in await tx.audit.entries(after=1, limit=2)] == [2, 3]
        assert [each.sequence for each in await tx.audit.entries(incident="inc_1")] == [1, 2]
        assert [each.sequence for each in await tx.audit.entries(after=1, incident="inc_1")] == [2]
