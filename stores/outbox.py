"""Messages to people: written with what they tell of, delivered afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, update

from core.models import Model, Utc
from stores.repository import Repository
from stores.tables import OUTBOX

OutboxState = Literal["pending", "sent", "dead"]


class OutboxItem(Model):
    """One message to one channel; `tries` counts deliveries that were attempted."""

    id: int
    channel: str
    key: str
    payload: dict[str, Any]
    incident_id: str
    tries: int
    state: OutboxState
    next_at: Utc
    error: str = ""


class Outbox(Repository):
    """A queue of messages, each once for its channel and key."""

    async def add(self, channel: str, key: str, payload: dict[str, Any], incident_id: str) -> bool:
        """Queue a message; whether it was new.

        Args:
            payload: what JSON can hold.
            incident_id: empty for a message about Quell itself.
        """
        row = {
            "channel": channel,
            "key": key,
            "payload": payload,
            "incident_id": incident_id,
            "tries": 0,
            "state": "pending",
            "next_at": self._clock.now(),
            "error": "",
        }
        return await self._insert_new(OUTBOX, row)

    async def due(self, now: datetime, limit: int) -> list[OutboxItem]:
        """Messages whose time has come, the longest due first."""
        return await self._all(
            OutboxItem,
            select(OUTBOX)
            .where(OUTBOX.c.state == "pending", OUTBOX.c.next_at <= now)
            .order_by(OUTBOX.c.next_at, OUTBOX.c.id)
            .limit(limit),
        )

    async def sent(self, item_id: int) -> None:
        """The channel took the message."""
        await self._tried(item_id, state="sent", error="")

    async def retry(self, item_id: int, next_at: datetime, error: str) -> None:
        """The channel did not take the message; try again at `next_at`."""
        await self._tried(item_id, next_at=next_at, error=error)

    async def dead(self, item_id: int, error: str) -> None:
        """The channel will never take the message."""
        await self._tried(item_id, state="dead", error=error)

    async def of_incident(self, incident_id: str) -> list[OutboxItem]:
        """The incident's messages, oldest first."""
        return await self._all(
            OutboxItem, select(OUTBOX).where(OUTBOX.c.incident_id == incident_id).order_by(OUTBOX.c.id)
        )

    async def _tried(self, item_id: int, **changes: Any) -> None:
        await self._connection.execute(
            update(OUTBOX).where(OUTBOX.c.id == item_id).values(tries=OUTBOX.c.tries + 1, **changes)
        )
