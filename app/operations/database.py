"""Migrations of the database that the settings name."""

from __future__ import annotations

from app.operations.outputs import SchemaStatus
from app.settings import Settings
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
