"""What the agents answered."""

from __future__ import annotations

from sqlalchemy import select

from core.models import Decision
from stores.repository import Repository
from stores.tables import DECISIONS


class Decisions(Repository):
    """Answers, kept forever."""

    async def add(self, decision: Decision) -> None:
        """Keep an answer; the same id is kept once.

        Raises:
            Conflict: there is no such incident.
        """
        await self._insert_new(DECISIONS, dict(decision))

    async def of_incident(self, incident_id: str) -> list[Decision]:
        """The incident's answers, in the order in which they were stored."""
        return await self._all(
            Decision,
            select(DECISIONS).where(DECISIONS.c.incident_id == incident_id).order_by(DECISIONS.c.position),
        )
