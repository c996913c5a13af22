"""Migrations build what the tables say, forwards and back, and leave strangers' tables alone."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from core.clock import ManualClock
from core.errors import SchemaMismatch
from stores.migrate import check, downgrade, status, upgrade
from stores.store import Store
from stores.tables import METADATA
from tests.stores.conftest import execute, tables_in
from tests.stores.samples import incident


async def test_the_migrations_build_what_the_tables_say(url: str) -> None:
    await check(url)


async def test_a_difference_between_migrations_and_tables_is_noticed(url: str) -> None:
    await execute(url, "ALTER TABLE incidents DROP COLUMN outcome")
    with pytest.raises(SchemaMismatch, match="outcome"):
        await check(url)


async def test_tables_of_others_are_left_alone(url: str) -> None:
    await execute(url, "CREATE TABLE checkpoints (thread_id TEXT)")
    await check(url)
    await downgrade(url, "base")
    assert "checkpoints" in await tables_in(url)


async def test_down_and_up_again(store: Store, url: str) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident())
        await tx.audit.append("quell", "act", "inc_1", {})
    full = await tables_in(url)
    await downgrade(url, "base")
    assert await tables_in(url) <= {"alembic_version", "sqlite_sequence"}
    assert (await status(url))[0] is None
    await upgrade(url)
    assert await tables_in(url) == full
    await check(url)
    async with store.write() as tx:
        assert (await tx.incidents.find(), (await tx.audit.verify()).entries) == ([], 0)
        await tx.incidents.add(incident())


async def test_an_upgrade_of_an_upgraded_database_keeps_its_rows(store: Store, url: str, clock: ManualClock) -> None:
    async with store.write() as tx:
        await tx.flags.set("kill_switch", "on")
    await upgrade(url)
    async with store.read() as tx:
        assert await tx.flags.get("kill_switch") == "on"


async def test_missing_migrations_name_the_command(url: str, clock: ManualClock) -> None:
    await downgrade(url, "base")
    with pytest.raises(SchemaMismatch, match="quell db upgrade"):
        await Store.open(url, clock)


async def test_a_database_of_a_newer_quell_is_refused(url: str, clock: ManualClock) -> None:
    await execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer Quell"):
        await Store.open(url, clock)
    with pytest.raises(SchemaMismatch, match=r"9999.*newer Quell"):
        await upgrade(url)


async def test_the_status_of_nothing_is_none(bare_url: str) -> None:
    current, head = await status(bare_url)
    assert current is None
    assert head


def test_every_table_can_be_built_on_postgresql() -> None:
    dialect = postgresql.dialect()
    for table in METADATA.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            built = str(CreateIndex(index).compile(dialect=dialect))
            assert ("WHERE state IN ('reserved', 'running')" in built) == (
                index.name == "uq_attempts_unfinished_service"
            )
