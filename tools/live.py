"""Views of the inventory that stay true while what runs is looked at again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from core.models import Service
from tools.inventory import Inventory

T = TypeVar("T")


class ByService(Mapping[str, T]):
    """Something of each service that has it, read from the inventory each time it is asked for.

    Args:
        of: what a service has; None (or nothing in it) when it has none.
    """

    def __init__(self, inventory: Inventory, of: Callable[[Service], T | None]) -> None:
        self._inventory = inventory
        self._of = of

    def __getitem__(self, name: str) -> T:
        service = self._inventory.get(name)
        found = self._of(service) if service is not None else None
        if not found:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (service.name for service in self._inventory.all() if self._of(service))

    def __len__(self) -> int:
        return sum(1 for _ in self)
