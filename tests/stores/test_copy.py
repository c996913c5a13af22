"""`quell db copy`: everything arrives, a paused incident goes on, and nothing half done stays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from core.clock import ManualClock
from core.errors import Conflict, StoreCorrupt, StoreUnavailable, UsageError
from core.models import ApprovalState, AttemptState, Autonomy, IncidentStatus, Recovery
from core.spending import Caps
from graphs.runner import RunResult
from remediation.approvals import decide
from stores import copy as copy_module
from stores.checkpoints import open_checkpointer
from stores.copy import copy
from stores.database import checkpoints_url, open_database
from stores.migrate import status, upgrade
from stores.store import Store
from stores.tables import METADATA
from tests.graphs.conftest import Bench, Metrics, Notices, Remedy, bench
from tests.servers.postgres import Postgres
from tests.stores.conftest import execute, url_of
from tests.stores.samples import call, incident

__all__ = ["bench"]


@pytest.fixture
def postgres_target(postgres_server: Postgres) -> Iterator[str]:
    """An empty database without a schema."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


async def rows_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as Python sees it."""

    async def read(table: Table) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]

    database = open_database(url)
    async with database.read() as connection:
        found = {table.name: await read(table) for table in METADATA.sorted_tables}
    await database.close()
    return found


async def count(url: str) -> int:
    database = open_database(url)
    async with database.read() as connection:
        counts = [await connection.scalar(select(func.count()).select_from(each)) for each in METADATA.sorted_tables]
    await database.close()
    return sum(each or 0 for each in counts)


@asynccontextmanager
async def bench_on(url: str, clock: ManualClock) -> AsyncIterator[Bench]:
    """The graph bench on a store and on checkpoints that are there already."""
    store = await Store.open(url, clock)
    async with open_checkpointer(checkpoints_url(url)) as saver:
        yield Bench(
            store,
            clock,
            Remedy(clock, facts={"autonomy": Autonomy.PROPOSE}, store=store),
            Notices(),
            Metrics(clock.now().timestamp() - 60),
            saver=saver,  # type: ignore[arg-type] # the bench keeps its own in memory
        )
    await store.close()


async def pause(bench: Bench, url: str, clock: ManualClock) -> None:
    """Run the bench's incident until it waits for a human."""
    async with bench_on(url, clock) as here:
        lease = await here.lease()
        assert await here.runner.run("inc_1", lease) is RunResult.WAITING
        async with here.store.write() as tx:
            await tx.leases.release(lease)
            await tx.inbox.add("alertmanager", b"\x00\xff", state="rejected", reason="no\0text")
            await tx.outbox.add("slack", "inc_1:human", {"text": "help"}, "inc_1")
            await tx.flags.set("kill_switch", "off")
            await tx.spending.reserve(call(incident_id="inc_1", at=clock.now()), Caps())
            for number in range(1200):
                await tx.audit.append("test", "count", str(number), {"n": str(number)})


@pytest.mark.slow
async def test_a_paused_incident_moves_to_postgresql_is_approved_there_and_finishes(
    bench: Bench, tmp_path: Any, clock: ManualClock, postgres_target: str
) -> None:
    source = url_of(tmp_path / "quell.db")
    await pause(bench, source, clock)
    report = await copy(source, postgres_target, clock)
    assert await rows_of(postgres_target) == await rows_of(source)
    assert (report.rows["incidents"], report.threads, report.rows["audit"]) == (1, 1, report.audit_entries)
    assert report.checkpoints > 5
    assert report.writes > 0

    async with bench_on(postgres_target, clock) as here:
        await decide(here.store, "inc_1", approved=True, by="ada")
        here.remedy.states, here.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
        assert await here.runner.run("inc_1", await here.lease()) is RunResult.FINISHED
        assert (await here.incident()).status is IncidentStatus.RESOLVED
        assert here.remedy.acted == ["start leaf"]
        async with here.store.read() as tx:
            [approval] = await tx.approvals.find()
            assert approval.state is ApprovalState.APPROVED
            audit = await tx.audit.verify()
            assert audit.ok
            assert audit.entries > report.audit_entries


@pytest.mark.slow
async def test_there_and_back_again(bench: Bench, tmp_path: Any, clock: ManualClock, postgres_target: str) -> None:
    source, back = url_of(tmp_path / "quell.db"), url_of(tmp_path / "back" / "quell.db")
    await pause(bench, source, clock)
    there = await copy(source, postgres_target, clock)
    assert await copy(postgres_target, back, clock) == there
    assert await rows_of(back) == await rows_of(source)


async def test_a_new_row_continues_the_numbers_of_those_that_came(
    store: Store, url: str, bare_url: str, clock: ManualClock
) -> None:
    async with store.write() as tx:
        last = [await tx.inbox.add("alertmanager", b"{}") for _ in range(3)][-1]
    await copy(url, bare_url, clock)
    target = await Store.open(bare_url, clock)
    async with target.write() as tx:
        assert (await tx.inbox.add("alertmanager", b"{}")).id > last.id
    await target.close()


async def test_a_target_with_rows_is_refused_and_stays_as_it_is(
    file_store: Store, file: Any, bare_url: str, clock: ManualClock
) -> None:
    async with file_store.write() as tx:
        await tx.incidents.add(incident())
    await copy(url_of(file), bare_url, clock)
    before = await rows_of(bare_url)
    with pytest.raises(Conflict, match="not empty"):
        await copy(url_of(file), bare_url, clock)
    assert await rows_of(bare_url) == before


async def test_what_stops_a_copy_leaves_no_rows_and_the_next_one_succeeds(
    bench: Bench, tmp_path: Any, bare_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = url_of(tmp_path / "quell.db")
    await pause(bench, source, clock)
    whole = copy_module._copy_table
    copied: list[str] = []

    async def fails_late(given: Any, taken: Any, table: Table) -> int:
        if len(copied) == 5:
            raise StoreUnavailable("gone", fix="")
        copied.append(table.name)
        return await whole(given, taken, table)

    monkeypatch.setattr(copy_module, "_copy_table", fails_late)
    with pytest.raises(StoreUnavailable):
        await copy(source, bare_url, clock)
    assert await count(bare_url) == 0
    monkeypatch.undo()
    await copy(source, bare_url, clock)
    assert await rows_of(bare_url) == await rows_of(source)


async def test_a_source_in_use_is_refused(file_store: Store, file: Any, tmp_path: Any, clock: ManualClock) -> None:
    target = url_of(tmp_path / "target" / "quell.db")
    async with file_store.write() as tx:
        await tx.incidents.add(incident())
        await tx.leases.acquire("inc_1", "worker", 30)
    with pytest.raises(Conflict, match="stop every Quell"):
        await copy(url_of(file), target, clock)
    clock.advance(31)
    assert (await copy(url_of(file), target, clock)).rows["leases"] == 1


async def test_a_broken_audit_chain_is_not_carried_on(
    file_store: Store, file: Any, tmp_path: Any, clock: ManualClock
) -> None:
    target = url_of(tmp_path / "target" / "quell.db")
    async with file_store.write() as tx:
        await tx.audit.append("quell", "act", "inc_1", {})
    await execute(url_of(file), "UPDATE audit SET actor = 'nobody'")
    with pytest.raises(StoreCorrupt, match="entry 1"):
        await copy(url_of(file), target, clock)
    assert await count(target) == 0


async def test_a_database_is_not_copied_onto_itself(file: Any, clock: ManualClock) -> None:
    with pytest.raises(UsageError, match="both source and target"):
        await copy(url_of(file), url_of(file), clock)


async def test_an_older_database_is_not_migrated_to_be_refused(
    file_store: Store, file: Any, bare_url: str, clock: ManualClock
) -> None:
    await upgrade(bare_url)
    await execute(bare_url, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(Conflict, match="schema 0000"):
        await copy(url_of(file), bare_url, clock)
    assert (await status(bare_url))[0] == "0000"
