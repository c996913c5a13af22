"""What every database has in common: a queue of one writer, and readers that never wait for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

from pydantic_core import from_json, to_json
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

BUSY_TIMEOUT_SECONDS = 10.0
"""How long a writer waits for the writers of other processes before it gives up."""

JSON_CODEC = {"json_serializer": lambda value: to_json(value).decode(), "json_deserializer": from_json}
"""Arguments of an engine: nested models in JSON columns are written and read by pydantic."""

Upsert = sqlite.Insert | postgresql.Insert
"""An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`, which both databases have."""


class Database(ABC):
    """One database. Make it with `stores.database.open_database`.

    Each process has a single writing connection, so that its writers queue up in order; writers of several processes
    wait for each other too, each from the start of its transaction. What a writer reads cannot change before it
    writes, so no repository needs to think of two writers at once.

    Attributes:
        name: what it is called in messages; without secrets.
    """

    name: str
    _writer: AsyncEngine
    _reader: AsyncEngine

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the write lock from its start; one inside another would wait for itself.

        Raises:
            StoreError, Conflict: as `explained` says.
        """
        with self.explained():
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the database throughout and cannot change it.

        Raises:
            StoreError: as `explained` says.
        """
        with self.explained():
            async with self._reader.begin() as connection:
                yield connection

    @abstractmethod
    def explained(self) -> AbstractContextManager[None]:
        """Turn what the driver raises inside the block into errors of `core.errors`.

        Raises:
            StoreUnavailable: locked, full, gone: trying again can help.
            StoreCorrupt: the data are damaged.
            StoreError: wrong password, no such database, too old a server ...: somebody must correct it.
            Conflict: a constraint forbids the change.
        """

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is anything to connect to; only a file can be missing."""

    @abstractmethod
    def create(self) -> None:
        """Make it, where that is for Quell to do: an empty file.

        Raises:
            StoreUnavailable: it cannot be made.
        """

    @abstractmethod
    async def version(self) -> str:
        """The program behind it and its version, such as ``PostgreSQL 15.4``.

        Raises:
            StoreError: it does not answer.
        """

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()


def insert_into(connection: AsyncConnection, table: Table) -> Upsert:
    """An INSERT in the connection's dialect."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
