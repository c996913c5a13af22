"""Fits of the confidence: each one that was ever taken, the last of which counts."""

from __future__ import annotations

from sqlalchemy import insert, select

from analysis.calibration.model import Calibration
from core.errors import StoreCorrupt
from stores.repository import Repository
from stores.tables import CALIBRATIONS


class Calibrations(Repository):
    """Fits in the order in which they were taken."""

    async def take(self, fit: Calibration, reason: str) -> None:
        """Let this fit count from now on."""
        row = {"at": self._clock.now(), "fit": fit.model_dump(mode="json"), "reason": reason}
        await self._connection.execute(insert(CALIBRATIONS).values(row))

    async def current(self) -> Calibration | None:
        """The fit that counts; None when none was ever taken, so that the shipped one counts.

        Raises:
            StoreCorrupt: it is not what was written.
        """
        latest = select(CALIBRATIONS.c.fit).order_by(CALIBRATIONS.c.position.desc()).limit(1)
        found = await self._connection.scalar(latest)
        try:
            return None if found is None else Calibration.model_validate(found)
        except ValueError as error:
            raise StoreCorrupt(
                f"the stored calibration cannot be read: {error}", fix="restore the database from a backup"
            ) from error
