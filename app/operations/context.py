"""What every operation works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.settings import Settings
from core.clock import Clock
from core.models import Rung
from core.ports import ChatModel
from stores.store import Store
from tools.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Context:
    """The store, and what is known without it.

    Attributes:
        models: of a server that runs, with their breakers, speeds and counters; None: whoever needs some opens them.
    """

    settings: Settings
    store: Store
    clock: Clock
    inventory: Inventory
    models: Mapping[Rung, ChatModel] | None = None
