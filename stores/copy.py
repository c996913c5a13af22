"""Moves everything from one database to another: rows, checkpoints, paused incidents, the audit chain.

The rows are one transaction on the target, and the last thing that is written: whatever stops a copy before that leaves
a target without rows, and the same command begins anew. Checkpoints that an interrupted copy left are replaced.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.errors import Conflict, StoreCorrupt, UsageError
from stores.checkpoint_copy import copy_thread
from stores.checkpoints import Checkpointer, checkpoints_exist, open_checkpointer
from stores.copy_report import CopyReport, ThreadCopy
from stores.database import checkpoints_url, open_database
from stores.migrate import status, upgrade
from stores.store import Store, Tx
from stores.tables import INCIDENTS, LEASES, METADATA

BATCH = 500
"""Rows that are in memory at once."""


async def copy(source_url: str, target_url: str, clock: Clock) -> CopyReport:
    """Move everything into an empty database, whose schema is made when it has none.

    Raises:
        UsageError: source and target are the same.
        Conflict: the target is not empty, or a Quell works on the source right now.
        StoreCorrupt: the audit chain of the source is broken, or the target does not hold what the source does.
        ConfigError, StoreError: one of them cannot be opened, read or written.
    """
    source, target = open_database(source_url), open_database(target_url)
    if source.name == target.name:
        raise UsageError(f"the {source.name} is both source and target", fix="name another target")
    async with AsyncExitStack() as stack:
        given = await stack.enter_async_context(_opened(source_url, clock))
        taken = await stack.enter_async_context(_fresh(target_url, target.name, clock))
        savers = await _open_checkpointers(stack, checkpoints_url(source_url), checkpoints_url(target_url))
        tx = await stack.enter_async_context(given.read())
        await _require_quiet(tx, source.name, clock.now())
        return await _copy_all(tx, taken, savers, target.name)


@asynccontextmanager
async def _opened(url: str, clock: Clock) -> AsyncIterator[Store]:
    store = await Store.open(url, clock)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _fresh(url: str, name: str, clock: Clock) -> AsyncIterator[Store]:
    """The target with a schema and no rows; one that is somebody's already is not even migrated."""
    current, head = await status(url)
    if current is None:
        await upgrade(url)
    elif current != head:
        raise Conflict(f"the {name} is not empty: it has schema {current}", fix="name an empty database as target")
    async with _opened(url, clock) as store:
        async with store.read() as tx:
            await _require_empty(tx.connection, name)
        yield store


async def _open_checkpointers(
    stack: AsyncExitStack, source_url: str, target_url: str
) -> tuple[Checkpointer, Checkpointer] | None:
    """Source and target; None while the source has no checkpoints, as opening them would make their tables.

    Before any transaction is begun: LangGraph's indices wait for all that are open.
    """
    if not await checkpoints_exist(source_url):
        return None
    source = await stack.enter_async_context(open_checkpointer(source_url))
    return source, await stack.enter_async_context(open_checkpointer(target_url))


async def _copy_all(
    given: Tx, target: Store, savers: tuple[Checkpointer, Checkpointer] | None, name: str
) -> CopyReport:
    chain = await given.audit.verify()
    if not chain.ok:
        raise StoreCorrupt(
            f"the audit chain of the source is broken at entry {chain.broken_at}: {chain.detail}",
            fix="look into it with `quell audit verify`, or copy a backup that is sound",
        )
    threads: list[ThreadCopy] = []
    if savers:  # other programs' threads in the same tables stay where they are
        incidents = list(await given.connection.scalars(select(INCIDENTS.c.id).order_by(INCIDENTS.c.id)))
        threads = [await copy_thread(*savers, incident) for incident in incidents]
    async with target.write() as tx:
        await _require_empty(tx.connection, name)  # nobody has begun to use it meanwhile
        tables = METADATA.sorted_tables
        rows = {each.name: await _copy_table(given.connection, tx.connection, each) for each in tables}
        head = await tx.audit.head()
        if await tx.audit.verify() != chain or head != await given.audit.head():
            raise StoreCorrupt(f"the audit chain of the {name} differs from the source's", fix=_NOT_KEPT)
    return CopyReport(
        rows=rows,
        threads=sum(each.checkpoints > 0 for each in threads),
        checkpoints=sum(each.checkpoints for each in threads),
        writes=sum(each.writes for each in threads),
        audit_entries=head.count,
        audit_head=head.hash,
    )


_NOT_KEPT = "nothing was kept: try again, and report the bug if it stays so"


async def _require_quiet(tx: Tx, name: str, now: datetime) -> None:
    """What a worker writes during the copy would be missing in the target."""
    held = await tx.connection.scalar(select(func.count()).select_from(LEASES).where(LEASES.c.expires_at > now))
    if held:
        raise Conflict(
            f"{held} incidents of the {name} are being worked on", fix="stop every Quell that uses it, then copy"
        )


async def _require_empty(connection: AsyncConnection, name: str) -> None:
    for table in METADATA.sorted_tables:
        if await connection.scalar(select(func.count()).select_from(table)):
            raise Conflict(
                f"the {name} is not empty: there are rows in {table.name}", fix="name an empty database as target"
            )


async def _copy_table(source: AsyncConnection, target: AsyncConnection, table: Table) -> int:
    """Copy all rows in the order of their keys; returns how many there are in the target.

    Raises:
        StoreCorrupt: not as many as in the source.
    """
    rows = await source.stream(select(table).order_by(*table.primary_key))
    async for batch in rows.mappings().partitions(BATCH):
        await target.execute(insert(table), [dict(row) for row in batch])
    await _continue_numbers(target, table)
    expected, found = [await each.scalar(select(func.count()).select_from(table)) or 0 for each in (source, target)]
    if found != expected:
        raise StoreCorrupt(f"{found} of {expected} rows of {table.name} arrived", fix=_NOT_KEPT)
    return found


async def _continue_numbers(target: AsyncConnection, table: Table) -> None:
    """Make PostgreSQL number the next row after those that came with numbers; SQLite does so by itself."""
    serial = table.autoincrement_column
    if serial is None or target.dialect.name != "postgresql":
        return
    last = await target.scalar(select(func.max(serial)))
    if last is not None:
        statement = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
        await target.execute(statement, {"table": table.name, "column": serial.name, "last": last})
