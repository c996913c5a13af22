"""Days of samples of series, from which their normals are read."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import delete, select

from core.models import Model
from stores.repository import Repository
from stores.tables import HISTORIES


class HistoryDay(Model):
    """The samples of one series on one day."""

    series: str = Field(description="identity of the series: who, what and how it was measured")
    day: int = Field(description="days since 1970-01-01, UTC")
    samples: bytes = Field(description="little-endian 32-bit floats, one a step, NaN where there is none")


class Histories(Repository):
    """Days by series."""

    async def save(self, days: Sequence[HistoryDay]) -> None:
        """Keep days; one that is there already is replaced."""
        for each in days:
            statement = self._insert(HISTORIES).values(dict(each))
            update = {"samples": each.samples}
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["series", "day"], set_=update)
            )

    async def of_series(self, series: str) -> list[HistoryDay]:
        """The days of a series, oldest first."""
        of_it = select(HISTORIES).where(HISTORIES.c.series == series)
        return await self._all(HistoryDay, of_it.order_by(HISTORIES.c.day))

    async def forget(self, before: int) -> None:
        """Drop the days before that one, of whatever series."""
        await self._connection.execute(delete(HISTORIES).where(HISTORIES.c.day < before))
