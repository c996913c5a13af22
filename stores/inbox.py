"""Bodies from outside: kept before they are acknowledged, worked off afterwards."""

from __future__ import annotations

from typing import Literal, cast, get_args

from sqlalchemy import func, insert, select, update

from core.models import Model, Utc
from stores.repository import Repository
from stores.tables import INBOX

InboxState = Literal["pending", "done", "rejected", "failed"]


class InboxItem(Model):
    """One body, byte for byte as it came."""

    id: int
    source: str
    body: bytes
    received_at: Utc
    state: InboxState
    reason: str = ""


class Inbox(Repository):
    """A queue of bodies, in the order in which they came."""

    async def add(self, source: str, body: bytes, state: InboxState = "pending", reason: str = "") -> InboxItem:
        """Keep a body."""
        row = {"source": source, "body": body, "received_at": self._clock.now(), "state": state, "reason": reason}
        result = await self._connection.execute(insert(INBOX).values(row))
        (item_id,) = cast(tuple[int], result.inserted_primary_key)
        return InboxItem.model_validate({"id": item_id, **row})

    async def pending(self, limit: int) -> list[InboxItem]:
        """What waits to be worked off, oldest first; in a writing transaction nobody else takes it meanwhile."""
        statement = select(INBOX).where(INBOX.c.state == "pending").order_by(INBOX.c.id).limit(limit)
        return await self._all(InboxItem, statement)

    async def mark(self, item_id: int, state: InboxState, reason: str = "") -> None:
        """Set what became of a body."""
        await self._connection.execute(update(INBOX).where(INBOX.c.id == item_id).values(state=state, reason=reason))

    async def counts(self) -> dict[str, int]:
        """How many bodies there are in each state."""
        rows = await self._connection.execute(
            select(INBOX.c.state, func.count().label("items")).group_by(INBOX.c.state)
        )
        return dict.fromkeys(get_args(InboxState), 0) | {row.state: row.items for row in rows}
