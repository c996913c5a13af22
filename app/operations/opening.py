"""Opens what commands need that only read and write the store: no graph, no sources, no worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.operations.context import Context
from app.settings import Settings
from core.clock import Clock
from stores.store import Store
from tools.inventory import Inventory, discover


def inventory_of(settings: Settings) -> Inventory:
    """The services that the configuration knows, from its `services`, `processes` and `scrape.targets`.

    Raises:
        ConfigError: two services share a name.
    """
    return Inventory(discover(settings.processes, settings.scrape.targets, settings.services))


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Store]:
    """The store, closed at the end.

    Raises:
        SchemaMismatch: `quell db upgrade` has not been run, or this program is too old.
        StoreError: the database cannot be opened.
    """
    store = await Store.open(settings.store_url, clock or settings.clock)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_context(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Context]:
    """What operations work on, over a store that is closed at the end.

    Raises:
        StoreError, ConfigError: as `open_store` and `inventory_of`.
    """
    clock = clock or settings.clock
    inventory = inventory_of(settings)
    async with open_store(settings, clock) as store:
        yield Context(settings, store, clock, inventory)
