"""SQLite: a file that a power cut cannot hurt, and its errors.

Write-ahead log, `synchronous=FULL` (https://www.sqlite.org/pragma.html#pragma_synchronous), foreign keys on, and a wait
instead of an error when another process writes. Transactions are begun by hand
(https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions): a writer takes the write lock at its start
(`BEGIN IMMEDIATE`), so that it never fails half way because what it read has changed meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.errors import Conflict, StoreCorrupt, StoreError, StoreUnavailable
from stores.engine import BUSY_TIMEOUT_SECONDS, JSON_CODEC, Database

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


class SqliteDatabase(Database):
    """One file."""

    def __init__(self, url: URL) -> None:
        self.path = Path(url.database or "")
        self.name = f"database {self.path}"
        self._writer = self._engine("BEGIN IMMEDIATE", {}, pool_size=1, max_overflow=0)
        self._reader = self._engine("BEGIN", {"query_only": "ON"}, pool_size=4, max_overflow=4)

    def _engine(self, begin: str, extra_pragmas: dict[str, str], **pool: int) -> AsyncEngine:
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(self.path)),
            connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_SECONDS},
            **JSON_CODEC,
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

    @contextmanager
    def explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Conflict(
                f"the {self.name} refused a change: {error.orig}", fix="look at the thing again, it has changed"
            ) from error
        except DBAPIError as error:
            raise self._told(error.orig or error) from error
        except sqlite3.Error as error:
            raise self._told(error) from error
        except PoolTimeout as error:
            raise StoreUnavailable(
                f"the {self.name} is busy: no connection came free", fix="try again; if it stays so, restart Quell"
            ) from error

    def _told(self, error: BaseException) -> StoreError:
        """SQLite's result code (https://www.sqlite.org/rescode.html), told as what the user can do about it."""
        extended = str(getattr(error, "sqlite_errorname", None) or "")
        code = "_".join(extended.split("_")[:2])  # SQLITE_IOERR_WRITE is a kind of SQLITE_IOERR
        if code in _CORRUPT or "Could not decode to UTF-8" in str(error):  # the latter is Python's own, without a code
            return StoreCorrupt(
                f"the {self.name} is damaged or is no database: {error}",
                fix="stop Quell, keep a copy of the file, then restore a backup or run `sqlite3 FILE .recover`",
            )
        fix = _FIXES.get(code, "run `quell doctor`; if the file is sound, this is a bug to report")
        return StoreUnavailable(f"the {self.name} cannot be used: {error}", fix=fix)

    def exists(self) -> bool:
        return self.path.exists()

    def create(self) -> None:
        """An empty file that only its owner may read, and its folder, unless they exist."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"the {self.name} cannot be created: {error.strerror}",
                fix="choose a data_dir in which the user that runs Quell may write",
            ) from error

    async def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"


async def set_pragmas(connection: aiosqlite.Connection) -> None:
    """Give a bare connection the same settings as the store's own have."""
    for name, value in PRAGMAS.items():
        await connection.execute(f"PRAGMA {name}={value}")
