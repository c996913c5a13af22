"""PostgreSQL: transactions like those of the file, over a network that may fail, and the server's errors.

A writer takes an advisory lock at its start (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS),
so that writers of all processes wait for each other as they do in SQLite; it ends with the transaction, and the server
ends the transaction of a process that is gone or hangs. Writers read what was committed before they got the lock
(READ COMMITTED); readers see one state (REPEATABLE READ, read only) and wait for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.errors import Conflict, StoreCorrupt, StoreError, StoreUnavailable
from stores.engine import BUSY_TIMEOUT_SECONDS, JSON_CODEC, Database

MIN_VERSION = 13
WRITE_LOCK = 0x7175656C6C
"""Key of the writers' advisory lock: "quell" in ASCII; locks of other databases on the server are apart."""

IDLE_TIMEOUT_SECONDS = 30.0
"""After so long without a word in a transaction the server ends it, and with it the lock of a writer that hangs."""

_CONNECT_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "quell",
    # A network that swallows packets must end in an error (tcp(7), TCP_USER_TIMEOUT), not in silence.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Of libpq (https://www.postgresql.org/docs/current/libpq-connect.html); what the URL says goes before."""

BEGIN = (
    f"SELECT set_config('lock_timeout', '{BUSY_TIMEOUT_SECONDS:.0f}s', true),"
    f" set_config('idle_in_transaction_session_timeout', '{IDLE_TIMEOUT_SECONDS:.0f}s', true)",
    f"SELECT pg_advisory_xact_lock({WRITE_LOCK})",
)
_RETRY_FIX = "start PostgreSQL, or mend the network between; Quell goes on by itself once it answers"
_UNAVAILABLE = {
    "25006": "connect to the primary server, not to a replica, or make the database writable again",
    "25P03": _RETRY_FIX,
    "40001": "try again",
    "40P01": "try again",
    "53100": "free some space on the disk of PostgreSQL",
    "53300": "end some clients of the server, or raise its max_connections",
    "55P03": "another process keeps it locked: try again, or end that process",
}
"""SQLSTATE codes (https://www.postgresql.org/docs/current/errcodes-appendix.html) after which trying again can help."""

_UNAVAILABLE_CLASSES = ("08", "53", "57", "58")
_CORRUPT_CLASS = "XX"
_REFUSED: tuple[tuple[str, str, str], ...] = (
    ("28", "password authentication failed|no password supplied", "correct user and password in database_url"),
    ("28", r"role .* does not exist", "correct the user in database_url, or create it: createuser --pwprompt USER"),
    ("28", "no pg_hba.conf entry", "allow this client in the server's pg_hba.conf, perhaps with TLS: ?sslmode=require"),
    ("3D", r"database .* does not exist", "correct the name in database_url, or create it: createdb DATABASE"),
    ("42501", "permission denied", "give the user of database_url all rights on the database and its schema"),
    ("-", "invalid connection option|invalid .*value|SSL", "correct what stands behind the ? in database_url"),
)
"""What somebody must correct: by SQLSTATE, or by the text where a connection fails, as libpq then gives no code."""


class PostgresDatabase(Database):
    """One database of a server."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        host = url.host or url.query.get("host") or "the local socket"
        self.name = f'PostgreSQL database "{url.database}" on {host}{f":{url.port}" if url.port else ""}'
        self._writer = self.engine("READ COMMITTED", pool_size=1, max_overflow=0)
        self._reader = self.engine("REPEATABLE READ", pool_size=4, max_overflow=4, read_only=True)

        @event.listens_for(self._writer.sync_engine, "begin")
        def start(connection: Connection) -> None:
            for statement in BEGIN:
                connection.exec_driver_sql(statement)

    def engine(self, isolation: str, *, pool_size: int, max_overflow: int, read_only: bool = False) -> AsyncEngine:
        """Connections with that isolation level; one that broke while nobody used it is replaced unseen."""
        engine = create_async_engine(
            self._url,
            isolation_level=isolation,
            execution_options={"postgresql_readonly": read_only},
            connect_args={key: value for key, value in _CONNECT_ARGUMENTS.items() if key not in self._url.query},
            pool_pre_ping=True,
            pool_size=pool_size,
            max_overflow=max_overflow,
            **JSON_CODEC,
        )

        @event.listens_for(engine.sync_engine, "connect")
        def require_version(connection: Any, _record: object) -> None:
            version = connection.info.server_version // 10_000
            if version < MIN_VERSION:
                connection.close()  # the pool forgets a connection that fails here without closing it
                raise StoreError(
                    f"the {self.name} is served by PostgreSQL {version}, which is too old",
                    fix=f"upgrade the server to PostgreSQL {MIN_VERSION} or newer",
                )

        return engine

    @contextmanager
    def explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Conflict(
                f"the {self.name} refused a change: {_line(error.orig)}", fix="look at the thing again, it has changed"
            ) from error
        except DBAPIError as error:
            raise self._told(error.orig or error) from error
        except psycopg.Error as error:
            raise self._told(error) from error
        except PoolTimeout as error:
            raise StoreUnavailable(
                f"the {self.name} is busy: no connection came free", fix="try again; if it stays so, restart Quell"
            ) from error

    def _told(self, error: BaseException) -> StoreError:
        """The server's code, or the text of a failed connection, told as what the user can do about it."""
        code = getattr(error, "sqlstate", None) or ""
        text = _line(error)
        for prefix, pattern, fix in _REFUSED:
            if code.startswith(prefix) or (not code and re.search(pattern, text)):
                return StoreError(f"the {self.name} refused Quell: {text}", fix=fix)
        if code.startswith(_CORRUPT_CLASS):
            return StoreCorrupt(
                f"the {self.name} is damaged: {text}", fix="stop Quell, then restore a backup of the database"
            )
        if code in _UNAVAILABLE or code.startswith(_UNAVAILABLE_CLASSES) or (not code and _lost(error)):
            return StoreUnavailable(f"the {self.name} cannot be used: {text}", fix=_UNAVAILABLE.get(code, _RETRY_FIX))
        return StoreError(
            f"the {self.name} did not do what Quell asked: {text}", fix="run `quell db status`; else report the bug"
        )

    def exists(self) -> bool:
        """Always: a server that does not answer is an error, not a missing database."""
        return True

    def create(self) -> None:
        """Nothing: databases on a server are made by who runs it."""

    async def version(self) -> str:
        async with self.read() as connection:
            found = await connection.exec_driver_sql("SHOW server_version")
            return f"PostgreSQL {found.scalar_one().partition(' ')[0]}"


def _lost(error: BaseException) -> bool:
    """Whether the connection failed or broke, as opposed to a statement that the driver itself refused."""
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _line(error: BaseException | None) -> str:
    """The first line of what the driver says, which holds no password."""
    diagnosis = getattr(error, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(error)
    return " ".join(text.split())
