"""The database that the settings name: its migrations, and the way into another one."""

from __future__ import annotations

from app.configuration.secret_files import read_secret
from app.operations.outputs import DatabaseCopy, SchemaStatus
from app.settings import Settings
from core.errors import UsageError
from stores.database import open_database
from stores.migrate import status, upgrade


async def schema_status(settings: Settings) -> SchemaStatus:
    """Where the database stands; changes nothing.

    Raises:
        StoreError, ConfigError: it cannot be read.
    """
    current, head = await status(settings.store_url)
    database = open_database(settings.store_url)
    try:
        server = await database.version()
    finally:
        await database.close()
    return SchemaStatus(
        database=database.name, server=server, current=current or "", head=head or "", up_to_date=current == head
    )


async def migrate(settings: Settings) -> SchemaStatus:
    """Create the database if there is none, bring it to the newest schema, and say where it stands.

    Raises:
        StoreError, ConfigError: it cannot be written.
    """
    await upgrade(settings.store_url)
    return await schema_status(settings)


async def copy_database(settings: Settings, source: str, target: str) -> DatabaseCopy:
    """Move everything into another, empty database.

    Args:
        source: URL, ``file:`` and the path of a file that holds it, or empty for the database of the settings.
        target: URL or ``file:`` path.

    Raises:
        UsageError: a file that should hold a URL cannot be read, or both are the same database.
        Conflict, StoreError, ConfigError: as `stores.copy.copy`.
    """
    from stores.copy import copy  # LangGraph takes half a second to import

    given, taken = _url(settings, source) or settings.store_url, _url(settings, target)
    report = await copy(given, taken, settings.clock)
    return DatabaseCopy(source=open_database(given).name, target=open_database(taken).name, copied=report)


def _url(settings: Settings, written: str) -> str:
    try:
        return read_secret(written, settings.path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{written} cannot be read: {error}", fix="name a readable file that holds a URL") from error
