"""LangGraph's checkpoints: in a file beside the store's, or in the same PostgreSQL database.

The serialiser rebuilds only what the list below names; anything else would come back as a `dict` without a word
(`JsonPlusSerializer(allowed_msgpack_modules=...)` of langgraph-checkpoint). It knows `datetime` and its like by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.postgres.base import BasePostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core import models
from core.errors import StoreUnavailable
from core.models import Model
from core.ports import Recollection
from stores.database import open_database
from stores.engine import BUSY_TIMEOUT_SECONDS
from stores.postgres import PostgresDatabase
from stores.sqlite import SqliteDatabase, set_pragmas

SETUP_LOCK = 0x7175656C6D
"""Key of the advisory lock under which LangGraph's tables are made."""

_POLL_SECONDS = 0.1

CHECKPOINTED: tuple[type, ...] = (
    *(
        noun
        for noun in (getattr(models, name) for name in models.__all__)
        if isinstance(noun, type) and issubclass(noun, Model | Enum)
    ),
    Recollection,
)
"""Every noun of `core.models` (its `__all__` is the list) and what `core.ports.Knowledge` hands back."""


def serializer() -> JsonPlusSerializer:
    """A serialiser that gives every noun back as what it was."""
    return JsonPlusSerializer(allowed_msgpack_modules=CHECKPOINTED)


class SqliteCheckpointer(AsyncSqliteSaver):
    """LangGraph's own checkpointer, whose database errors are those of `core.errors`.

    Each method that a run uses raises what `Database.explained` says, so that a worker can tell a full disk from a bug.
    """

    def __init__(self, connection: aiosqlite.Connection, database: SqliteDatabase) -> None:
        super().__init__(connection, serde=serializer())
        self._database = database

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        with self._database.explained():
            return await super().aget_tuple(config)

    async def alist(self, config: RunnableConfig | None, **narrow: Any) -> AsyncIterator[CheckpointTuple]:
        with self._database.explained():
            async for each in super().alist(config, **narrow):
                yield each

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        with self._database.explained():
            return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        with self._database.explained():
            await super().aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        with self._database.explained():
            await super().adelete_thread(thread_id)


class PostgresCheckpointer(BasePostgresSaver):
    """LangGraph's own checkpointer, on a connection of the pool for each call, so that it outlives the server.

    Raises what `Database.explained` says, as `SqliteCheckpointer` does.
    """

    def __init__(self, engine: AsyncEngine, database: PostgresDatabase) -> None:
        super().__init__(serde=serializer())
        self._engine = engine
        self._database = database

    @asynccontextmanager
    async def _saver(self) -> AsyncIterator[AsyncPostgresSaver]:
        with self._database.explained():
            async with self._engine.connect() as connection:
                raw: AsyncConnection[Any] = (await connection.get_raw_connection()).driver_connection  # type: ignore[assignment] # of psycopg's dialect
                try:
                    yield AsyncPostgresSaver(raw, serde=self.serde)
                finally:
                    if raw.broken:  # SQLAlchemy did not see it break, and would hand it out again
                        await connection.invalidate()

    async def setup(self) -> None:
        """Make LangGraph's tables. Processes that do so at once wait for each other.

        The lock is asked for again and again, as `CREATE INDEX CONCURRENTLY` waits for whoever waits for a lock.

        Raises:
            StoreUnavailable: another process has been at it for too long.
        """
        with self._database.explained():
            async with self._engine.connect() as connection:
                for _ in range(round(BUSY_TIMEOUT_SECONDS / _POLL_SECONDS)):
                    if await connection.scalar(text(f"SELECT pg_try_advisory_lock({SETUP_LOCK})")):
                        break
                    await asyncio.sleep(_POLL_SECONDS)
                else:
                    raise StoreUnavailable(
                        f"the {self._database.name}: another process is making its tables", fix="try again"
                    )
                try:
                    async with self._saver() as saver:
                        await saver.setup()
                finally:
                    await connection.scalar(text(f"SELECT pg_advisory_unlock({SETUP_LOCK})"))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        async with self._saver() as saver:
            return await saver.aget_tuple(config)

    async def alist(self, config: RunnableConfig | None, **narrow: Any) -> AsyncIterator[CheckpointTuple]:
        async with self._saver() as saver:
            async for each in saver.alist(config, **narrow):
                yield each

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        async with self._saver() as saver:
            return await saver.aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        async with self._saver() as saver:
            await saver.aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        async with self._saver() as saver:
            await saver.adelete_thread(thread_id)


Checkpointer = SqliteCheckpointer | PostgresCheckpointer


async def checkpoints_exist(url: str) -> bool:
    """Whether there is anything that `open_checkpointer` would not have to make; changes nothing.

    Raises:
        StoreError: the database does not answer.
    """
    database = open_database(url)
    if not isinstance(database, PostgresDatabase):
        return database.exists()
    try:
        async with database.read() as connection:
            return bool(await connection.scalar(text("SELECT to_regclass('checkpoints') IS NOT NULL")))
    finally:
        await database.close()


@asynccontextmanager
async def open_checkpointer(url: str) -> AsyncIterator[Checkpointer]:
    """A checkpointer on that database, its tables made when missing; every checkpoint is on disk when it returns.

    Raises:
        StoreError: the database cannot be read or written.
    """
    database = open_database(url)
    if isinstance(database, PostgresDatabase):
        async with _open_tables(database) as tables:
            yield tables
    elif isinstance(database, SqliteDatabase):
        async with _open_file(database) as file:
            yield file


@asynccontextmanager
async def _open_tables(database: PostgresDatabase) -> AsyncIterator[PostgresCheckpointer]:
    engine = database.engine("AUTOCOMMIT", pool_size=4, max_overflow=4)
    try:
        saver = PostgresCheckpointer(engine, database)
        await saver.setup()
        yield saver
    finally:
        await engine.dispose()


@asynccontextmanager
async def _open_file(database: SqliteDatabase) -> AsyncIterator[SqliteCheckpointer]:
    database.create()
    async with aiosqlite.connect(database.path) as connection:
        with database.explained():
            await set_pragmas(connection)
            saver = SqliteCheckpointer(connection, database)
            await saver.setup()
        yield saver
