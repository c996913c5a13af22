"""The story of each incident."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from core.models import TimelineEntry
from stores.repository import Repository
from stores.tables import TIMELINE


class Timeline(Repository):
    """Lines that are only ever added."""

    async def add(self, incident_id: str, entry: TimelineEntry, key: str = "") -> None:
        """Add a line.

        Args:
            key: when not empty, a second line of the incident with the same key is left out.

        Raises:
            Conflict: there is no such incident.
        """
        await self._insert_new(TIMELINE, {"incident_id": incident_id, "key": key or None, **dict(entry)})

    async def of_incident(self, incident_id: str) -> list[TimelineEntry]:
        """The incident's lines, oldest first."""
        return await self._all(
            TimelineEntry,
            select(TIMELINE).where(TIMELINE.c.incident_id == incident_id).order_by(TIMELINE.c.at, TIMELINE.c.position),
        )

    async def incidents_with(self, kind: str, since: datetime) -> list[str]:
        """Ids of the incidents that have a line of that kind from then on, in the order of their names."""
        found = select(TIMELINE.c.incident_id).where(TIMELINE.c.kind == kind, TIMELINE.c.at >= since).distinct()
        return sorted((await self._connection.execute(found)).scalars())
