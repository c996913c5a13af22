"""Raw answers of the sources, so that an incident replays offline."""

from __future__ import annotations

from sqlalchemy import select

from core.models import Model
from stores.repository import Repository
from stores.tables import RECORDINGS


class Recording(Model):
    """One call of a port and its answer."""

    evidence_id: str
    port: str
    key: str
    payload: bytes


class Recordings(Repository):
    """Answers by incident, port and key of the call."""

    async def add(self, incident_id: str, evidence_id: str, port: str, key: str, payload: bytes) -> None:
        """Keep an answer; the first one of a call stays.

        Raises:
            Conflict: there is no such incident.
        """
        recording = Recording(evidence_id=evidence_id, port=port, key=key, payload=payload)
        await self._insert_new(RECORDINGS, {"incident_id": incident_id, **dict(recording)})

    async def find(self, incident_id: str, port: str, key: str) -> bytes | None:
        """The answer to that call, None when it was never made."""
        found = await self._first(Recording, select(RECORDINGS).filter_by(incident_id=incident_id, port=port, key=key))
        return found.payload if found else None

    async def of_incident(self, incident_id: str) -> list[Recording]:
        """All answers of the incident, in the order in which they came."""
        return await self._all(
            Recording,
            select(RECORDINGS).where(RECORDINGS.c.incident_id == incident_id).order_by(RECORDINGS.c.position),
        )
