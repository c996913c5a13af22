"""What was found of log templates that no rule knows, so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import delete, select

from core.models import TemplateClass
from stores.repository import Repository
from stores.tables import TEMPLATE_CLASSES

MAX_OF_SERVICE = 200
"""Of one service, the latest: what a digest is given stays bounded."""

_C = TEMPLATE_CLASSES.c


class Templates(Repository):
    """Classes by service and template."""

    async def save(self, service: str, classes: Iterable[TemplateClass]) -> None:
        """Keep what was found; what is there already is replaced."""
        for each in classes:
            row = {**dict(each), "service": service, "at": self._clock.now()}
            update = {name: value for name, value in row.items() if name not in {"service", "template"}}
            statement = self._insert(TEMPLATE_CLASSES).values(row)
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["service", "template"], set_=update)
            )

    async def of_service(self, service: str) -> list[TemplateClass]:
        """Those of a service, by their text; of very many the latest."""
        latest = select(TEMPLATE_CLASSES).where(_C.service == service).order_by(_C.at.desc(), _C.template)
        found = await self._all(TemplateClass, latest.limit(MAX_OF_SERVICE))
        return sorted(found, key=lambda one: one.template)

    async def known(self, templates: Iterable[str]) -> Mapping[str, TemplateClass]:
        """What was found of these templates in whatever service; the latest answer counts."""
        wanted = sorted(set(templates))
        rows = select(TEMPLATE_CLASSES).where(_C.template.in_(wanted)).order_by(_C.at, _C.service)
        return {one.template: one for one in await self._all(TemplateClass, rows)} if wanted else {}

    async def forget(self, before: datetime) -> None:
        """Drop what was found before that instant: models change, and what is still written is asked again."""
        await self._connection.execute(delete(TEMPLATE_CLASSES).where(_C.at < before))
