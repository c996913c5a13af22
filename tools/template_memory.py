"""What the store remembers of log templates that no rule knows."""

from __future__ import annotations

from core.models import TemplatePage, TemplateQuery
from stores.store import Store


class StoredTemplates:
    """`core.ports.TemplateMemory` from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def classes(self, query: TemplateQuery) -> TemplatePage:
        """What was found of the service's templates; of very many the latest."""
        async with self._store.read() as tx:
            return TemplatePage(classes=tuple(await tx.templates.of_service(query.service)))
