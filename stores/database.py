"""Engines, transactions and the driver's errors: the only module that knows which database this is.

SQLite runs with settings that a power cut cannot hurt: write-ahead log, `synchronous=FULL`
(https://www.sqlite.org/pragma.html#pragma_synchronous), foreign keys on, and a wait instead of an error when another
process writes. Transactions are begun by hand
(https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions): a writer takes the write lock at its start
(`BEGIN IMMEDIATE`), so that it never fails half way because what it read has changed meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Table, event
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import ConfigError, Conflict, StoreCorrupt, StoreError, StoreUnavailable

BUSY_TIMEOUT_SECONDS = 10.0
PRAGMAS = {
    "busy_timeout": str(int(BUSY_TIMEOUT_SECONDS * 1000)),
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
}
_CORRUPT = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
_FIXES = {
    "SQLITE_BUSY": "another process keeps it locked: try again, or end that process",
    "SQLITE_LOCKED": "another process keeps it locked: try again, or end that process",
    "SQLITE_FULL": "free some space on its disk, or raise the quota",
    "SQLITE_IOERR": "check the disk: free space, quota, cables, file system errors",
    "SQLITE_READONLY": "make the file and its folder writable for the user that runs Quell",
    "SQLITE_CANTOPEN": "make the file and its folder readable and writable for the user that runs Quell",
    "SQLITE_PERM": "make the file and its folder readable and writable for the user that runs Quell",
}


def sqlite_path(url: str) -> Path:
    """The file that a database URL such as ``sqlite+aiosqlite:///.quell/quell.db`` names.

    Raises:
        ConfigError: not a URL, another database, or a database in memory (each connection would see its own).
    """
    fix = "set database_url to sqlite+aiosqlite:///PATH, or leave it empty"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("database_url is not a database URL", fix=fix) from None
    if parsed.get_backend_name() != "sqlite":
        raise ConfigError(f"database_url names {parsed.get_backend_name()}, which is not supported yet", fix=fix)
    if not parsed.database or ":memory:" in parsed.database:
        raise ConfigError("database_url names no file", fix=fix)
    return Path(parsed.database)


def new_file(path: Path) -> None:
    """Create an empty database file that only its owner may read, and its folder, unless they exist.

    Raises:
        StoreUnavailable: the folder cannot be created or written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"the database {path} cannot be created: {error.strerror}",
            fix="choose a data_dir in which the user that runs Quell may write",
        ) from error


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the driver raises inside the block into errors of `core.errors`.

    Raises:
        StoreCorrupt: the file is damaged or no database.
        StoreUnavailable: locked, full, read-only or gone.
        Conflict: a constraint forbids the change.
    """
    try:
        yield
    except IntegrityError as error:
        raise Conflict(
            f"the database {path} refused a change: {error.orig}", fix="look at the thing again, it has changed"
        ) from error
    except DBAPIError as error:
        raise _explain(path, error.orig or error) from error
    except sqlite3.Error as error:
        raise _explain(path, error) from error
    except PoolTimeout as error:
        raise StoreUnavailable(
            f"the database {path} is busy: no connection came free", fix="try again; if it stays so, restart Quell"
        ) from error


def _explain(path: Path, error: BaseException) -> StoreError:
    """SQLite's result code (https://www.sqlite.org/rescode.html), told as what the user can do about it."""
    extended = str(getattr(error, "sqlite_errorname", None) or "")
    code = "_".join(extended.split("_")[:2])  # SQLITE_IOERR_WRITE is a kind of SQLITE_IOERR
    if code in _CORRUPT or "Could not decode to UTF-8" in str(error):  # the latter is Python's own, without a code
        return StoreCorrupt(
            f"the database {path} is damaged or is no database: {error}",
            fix="stop Quell, keep a copy of the file, then restore a backup or run `sqlite3 FILE .recover`",
        )
    fix = _FIXES.get(code, "run `quell doctor`; if the file is sound, this is a bug to report")
    return StoreUnavailable(f"the database {path} cannot be used: {error}", fix=fix)


async def set_pragmas(connection: aiosqlite.Connection) -> None:
    """Give a bare connection the same settings as the store's own have."""
    for name, value in PRAGMAS.items():
        await connection.execute(f"PRAGMA {name}={value}")


def insert_into(table: Table) -> Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` (in SQLite and PostgreSQL alike)."""
    return insert(table)


class Database:
    """One database file with a queue of one writer, and readers that never wait for it.

    The single writing connection makes the writers of this process queue up in order, where SQLite's lock would have
    them poll.
    """

    def __init__(self, url: str) -> None:
        self.path = sqlite_path(url)
        self._writer = self._engine("BEGIN IMMEDIATE", {}, pool_size=1, max_overflow=0)
        self._reader = self._engine("BEGIN", {"query_only": "ON"}, pool_size=4, max_overflow=4)

    def _engine(self, begin: str, extra_pragmas: dict[str, str], **pool: int) -> AsyncEngine:
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(self.path)),
            connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_SECONDS},
            json_serializer=lambda value: to_json(value).decode(),
            json_deserializer=from_json,
            **pool,
        )

        @event.listens_for(engine.sync_engine, "connect")
        def configure(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            try:
                for name, value in (PRAGMAS | extra_pragmas).items():
                    cursor.execute(f"PRAGMA {name}={value}")
            except sqlite3.Error:
                connection.close()  # the pool forgets a connection that fails here without closing it
                raise
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the write lock from its start; one inside another would wait for itself.

        Raises:
            StoreUnavailable, StoreCorrupt, Conflict: as `explained` says.
        """
        with explained(self.path):
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the database throughout and cannot change it.

        Raises:
            StoreUnavailable, StoreCorrupt: as `explained` says.
        """
        with explained(self.path):
            async with self._reader.begin() as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()
