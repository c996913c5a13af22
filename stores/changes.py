"""Changes that somebody reported: suspects of incidents to come."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, or_, select

from core.changes import change_id
from core.models import Change, Window
from stores.repository import Repository
from stores.tables import CHANGES

MAX_CHANGES = 1000
"""Of one answer: the newest."""


class Changes(Repository):
    """Reports, each kept once."""

    async def add(self, change: Change) -> bool:
        """Keep a change; whether it was new."""
        row = {"id": change_id(change), "recorded_at": self._clock.now(), **dict(change)}
        return await self._insert_new(CHANGES, {**row, "paths": list(change.paths)})

    async def of(self, service: str, window: Window) -> list[Change]:
        """What was changed on a service, or on none that is named, with ``start <= at < end``, oldest first."""
        statement = (
            select(CHANGES)
            .where(or_(CHANGES.c.service == service, CHANGES.c.service == ""))
            .where(CHANGES.c.at >= window.start, CHANGES.c.at < window.end)
        )
        return await self._newest(statement, MAX_CHANGES)

    async def recent(self, service: str = "", limit: int = 50) -> list[Change]:
        """The newest changes, of one service or of all, oldest first."""
        statement = select(CHANGES)
        return await self._newest(statement.where(CHANGES.c.service == service) if service else statement, limit)

    async def _newest(self, statement: Select[Any], limit: int) -> list[Change]:
        newest = statement.order_by(CHANGES.c.at.desc(), CHANGES.c.position.desc()).limit(limit)
        return list(reversed(await self._all(Change, newest)))
