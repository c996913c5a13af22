"""Switches that outlive a restart, such as the kill switch."""

from __future__ import annotations

from sqlalchemy import select

from stores.repository import Repository
from stores.tables import FLAGS


class Flags(Repository):
    """Names and values."""

    async def get(self, name: str) -> str | None:
        """The value, None when it was never set."""
        value: str | None = await self._connection.scalar(select(FLAGS.c.value).where(FLAGS.c.name == name))
        return value

    async def set(self, name: str, value: str) -> None:
        """Set the value."""
        await self._connection.execute(
            self._insert(FLAGS)
            .values(name=name, value=value)
            .on_conflict_do_update(index_elements=["name"], set_={"value": value})
        )
