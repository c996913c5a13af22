"""Migrations: to the newest schema, back, and where a database stands."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from importlib.resources import files
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from core.errors import SchemaMismatch
from stores.database import open_database

SCHEMA_FIX = "run `quell db upgrade`; if a newer Quell wrote the database, install that version"

_ALEMBIC: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
"""Alembic keeps its current migration in module globals, so that a process runs one at a time."""


async def upgrade(url: str) -> None:
    """Create the database if there is none, and bring it to the newest schema, all or nothing.

    Two processes that do so at once wait for each other.

    Raises:
        ConfigError: the URL names no supported database.
        SchemaMismatch: the database is newer than this program.
        StoreUnavailable, StoreCorrupt: it cannot be written.
    """
    open_database(url).create()
    await _migrate(url, lambda config: command.upgrade(config, "head"))


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to an older schema; ``base`` drops everything.

    Raises:
        SchemaMismatch: there is no such revision below the one that the database is at.
        ConfigError, StoreUnavailable, StoreCorrupt: as in `upgrade`.
    """
    await _migrate(url, lambda config: command.downgrade(config, revision))


async def check(url: str) -> None:
    """Compare the tables that are there with those that this program expects.

    Raises:
        SchemaMismatch: they differ; the message names how.
        ConfigError, StoreUnavailable, StoreCorrupt: as in `upgrade`.
    """
    await _migrate(url, command.check)


async def status(url: str) -> tuple[str | None, str | None]:
    """The revision that the database is at (None: no schema, or no file) and the newest one; changes nothing.

    Raises:
        ConfigError: the URL names no supported database.
        StoreUnavailable, StoreCorrupt: it cannot be read.
    """
    head = ScriptDirectory.from_config(_config()).get_current_head()
    database = open_database(url)
    if not database.exists():
        return None, head
    try:
        async with database.read() as connection:
            return await connection.run_sync(_revision), head
    finally:
        await database.close()


def _config() -> Config:
    config = Config(stdout=io.StringIO())  # Alembic prints its results, and stdout is for the command line's own
    config.set_main_option("script_location", str(files("stores") / "migrations").replace("%", "%%"))
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _migrate(url: str, run: Callable[[Config], None]) -> None:
    """Run an Alembic command inside one write transaction."""

    def within(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        try:
            run(config)
        except CommandError as error:
            raise SchemaMismatch(f"the database's schema: {error}", fix=SCHEMA_FIX) from error

    database = open_database(url)
    lock = _ALEMBIC.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    try:
        async with lock, database.write() as connection:
            await connection.run_sync(within)
    finally:
        await database.close()
