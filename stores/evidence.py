"""Evidence: stored before it is cited, never changed."""

from __future__ import annotations

from sqlalchemy import select

from core.models import Evidence
from stores.repository import Repository
from stores.tables import EVIDENCE


class EvidenceLog(Repository):
    """What was asked, when, and what came back."""

    async def add(self, evidence: Evidence) -> None:
        """Keep a piece of evidence; the same id is kept once.

        Raises:
            Conflict: there is no such incident.
        """
        await self._insert_new(EVIDENCE, dict(evidence))

    async def get(self, evidence_id: str) -> Evidence:
        """The evidence with that id.

        Raises:
            NotFound: there is none.
        """
        return await self._by_id(Evidence, EVIDENCE, evidence_id)

    async def of_incident(self, incident_id: str) -> list[Evidence]:
        """The incident's evidence, in the order in which it was stored."""
        return await self._all(
            Evidence,
            select(EVIDENCE).where(EVIDENCE.c.incident_id == incident_id).order_by(EVIDENCE.c.position),
        )

    async def ids(self, incident_id: str) -> set[str]:
        """What the incident's claims may cite."""
        rows = await self._connection.scalars(select(EVIDENCE.c.id).where(EVIDENCE.c.incident_id == incident_id))
        return set(rows)
