"""LangGraph's checkpointers, whose errors are those of `core.errors`: on a file, and on a server that may go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.postgres.base import BasePostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.errors import StoreUnavailable
from stores.engine import BUSY_TIMEOUT_SECONDS
from stores.postgres import PostgresDatabase
from stores.sqlite import SqliteDatabase

SETUP_LOCK = 0x7175656C6D
"""Key of the advisory lock under which LangGraph's tables are made."""

_POLL_SECONDS = 0.1


class SqliteCheckpointer(AsyncSqliteSaver):
    """LangGraph's own checkpointer, whose database errors are those of `core.errors`.

    Each method that a run uses raises what `Database.explained` says, so that a worker can tell a full disk from a bug.
    """

    def __init__(self, connection: aiosqlite.Connection, database: SqliteDatabase, serde: SerializerProtocol) -> None:
        super().__init__(connection, serde=serde)
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


@dataclass(frozen=True, slots=True)
class _Boxed:
    """A value that `AsyncPostgresSaver.aput` does not take for text or a number, although it is."""

    value: Any


class _Unboxing(SerializerProtocol):
    """A serialiser that writes what is in the box."""

    def __init__(self, inner: SerializerProtocol) -> None:
        self._inner = inner

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return self._inner.dumps_typed(obj.value if isinstance(obj, _Boxed) else obj)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return self._inner.loads_typed(data)


class PostgresCheckpointer(BasePostgresSaver):
    """LangGraph's own checkpointer, on a connection of the pool for each call, so that it outlives the server.

    Raises what `Database.explained` says, as `SqliteCheckpointer` does.
    """

    def __init__(self, engine: AsyncEngine, database: PostgresDatabase, serde: SerializerProtocol) -> None:
        super().__init__(serde=serde)
        self._engine = engine
        self._database = database

    @asynccontextmanager
    async def _saver(self) -> AsyncIterator[AsyncPostgresSaver]:
        with self._database.explained():
            async with self._engine.connect() as connection:
                raw: AsyncConnection[Any] = (await connection.get_raw_connection()).driver_connection  # type: ignore[assignment] # of psycopg's dialect
                try:
                    yield AsyncPostgresSaver(raw, serde=_Unboxing(self.serde))
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
        """Keep a checkpoint, with every value as the serialiser writes it.

        LangGraph would keep text and numbers as JSONB, which makes text of an enum, an integer of a large float, and
        an error of a NUL (https://www.postgresql.org/docs/current/datatype-json.html).
        """
        values = {
            channel: _Boxed(value) if isinstance(value, str | int | float) else value
            for channel, value in checkpoint["channel_values"].items()
        }
        boxed: Checkpoint = {**checkpoint, "channel_values": values}
        async with self._saver() as saver:
            return await saver.aput(config, boxed, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        async with self._saver() as saver:
            await saver.aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        async with self._saver() as saver:
            await saver.adelete_thread(thread_id)
