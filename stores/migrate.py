"""Migrations: to the newest schema, back, and where a database stands."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.errors import SchemaMismatch
from stores.database import Database, new_file, sqlite_path


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("stores") / "migrations").replace("%", "%%"))
    return config


async def upgrade(url: str, revision: str = "head") -> None:
    """Create the database if there is none, and bring it to the newest schema, all or nothing.

    Two processes that do so at once wait for each other.

    Raises:
        ConfigError: the URL names no supported database.
        SchemaMismatch: the database is newer than this program.
        StoreUnavailable, StoreCorrupt: it cannot be written.
    """
    new_file(sqlite_path(url))
    await _migrate(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to an older schema; ``base`` drops everything.

    Raises:
        ConfigError, SchemaMismatch, StoreUnavailable, StoreCorrupt: as in `upgrade`.
    """
    await _migrate(url, lambda config: command.downgrade(config, revision))


async def status(url: str) -> tuple[str | None, str | None]:
    """The revision that the database is at (None: no schema, or no file) and the newest one; changes nothing.

    Raises:
        ConfigError: the URL names no supported database.
        StoreUnavailable, StoreCorrupt: it cannot be read.
    """
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if not sqlite_path(url).exists():
        return None, head
    database = Database(url)
    try:
        async with database.read() as connection:
            return await connection.run_sync(_current), head
    finally:
        await database.close()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _migrate(url: str, run: Callable[[Config], None]) -> None:
    """Run an Alembic command inside one write transaction."""
    config = _config()
    database = Database(url)

    def within(connection: Connection) -> None:
        current = _current(connection)
        script = ScriptDirectory.from_config(config)
        if current not in {None, *(each.revision for each in script.walk_revisions())}:
            raise SchemaMismatch(
                f"the database is at revision {current}, which this program does not know",
                fix="install the version of Quell that wrote it, then run `quell db upgrade` there",
            )
        config.attributes["connection"] = connection
        run(config)

    try:
        async with database.write() as connection:
            await connection.run_sync(within)
    finally:
        await database.close()
