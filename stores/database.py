"""Which database a URL means: a file of SQLite, or PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import ConfigError
from stores.engine import Database
from stores.sqlite import SqliteDatabase

SQLITE = ("sqlite", "sqlite+aiosqlite")
POSTGRESQL = ("postgresql", "postgresql+psycopg", "postgres")
"""What stands before ``://``; the last is the old name that some hosts still hand out."""

CHECKPOINTS_FILE = "checkpoints.db"
"""Of the graph's checkpoints, in the folder of the store's file."""

FIX = (
    "set database_url to postgresql://USER:PASSWORD@HOST/DATABASE or sqlite+aiosqlite:///PATH, "
    "or leave it empty for a file in data_dir"
)


def open_database(url: str) -> Database:
    """The database that a URL names; connects to nothing yet.

    Raises:
        ConfigError: not a URL, another database or driver, or no database is named.
    """
    parsed = _parse(url)
    if parsed.drivername in POSTGRESQL:
        from stores.postgres import PostgresDatabase  # the driver takes a tenth of a second to import

        return PostgresDatabase(parsed)
    return SqliteDatabase(parsed)


def checkpoints_url(store_url: str) -> str:
    """Where the checkpoints of a store are: in a file beside its own, or in the same database of a server.

    Raises:
        ConfigError: as in `open_database`.
    """
    parsed = _parse(store_url)
    if parsed.drivername in POSTGRESQL:
        return store_url
    return f"sqlite+aiosqlite:///{Path(parsed.database or '').with_name(CHECKPOINTS_FILE)}"


def _parse(url: str) -> URL:
    """The parts of the URL; messages do not repeat it, as it may hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise ConfigError("database_url is not a database URL", fix=FIX) from None
    if parsed.drivername not in SQLITE + POSTGRESQL:
        raise ConfigError(f"database_url names {parsed.drivername}, which is not supported", fix=FIX)
    if not parsed.database or ":memory:" in parsed.database:  # each connection would see a memory of its own
        raise ConfigError("database_url names no database", fix=FIX)
    return parsed
