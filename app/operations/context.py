"""What every operation works on."""

from __future__ import annotations

from dataclasses import dataclass

from app.settings import Settings
from core.clock import Clock
from stores.store import Store
from tools.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Context:
    """The store, and what is known without it."""

    settings: Settings
    store: Store
    clock: Clock
    inventory: Inventory
