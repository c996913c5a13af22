"""Alerts as they were last heard of."""

from __future__ import annotations

from sqlalchemy import select, update

from core.models import Alert, AlertStatus, Model, Utc
from stores.repository import Repository
from stores.tables import ALERTS


class StoredAlert(Model):
    """An alert and the incident it belongs to.

    An alert that comes back after its incident ended belongs to the next one too: each incident keeps what it saw.
    """

    alert: Alert
    incident_id: str
    first_seen: Utc
    last_seen: Utc
    count: int


class Alerts(Repository):
    """One row for each alert and incident; the newest of a fingerprint is its current one."""

    async def get(self, fingerprint: str) -> StoredAlert | None:
        """The alert with that fingerprint as last heard of."""
        return await self._first(
            StoredAlert, select(ALERTS).where(ALERTS.c.fingerprint == fingerprint, ALERTS.c.current)
        )

    async def save(self, alert: Alert, incident_id: str) -> StoredAlert:
        """Keep the alert as the current one of its fingerprint, and count it.

        Args:
            incident_id: empty while the alert is only recorded.
        """
        now = self._clock.now()
        latest = {"current": True, "status": alert.status, "alert": alert, "last_seen": now}
        key = {"fingerprint": alert.fingerprint, "incident_id": incident_id}
        await self._connection.execute(
            update(ALERTS)
            .where(ALERTS.c.fingerprint == alert.fingerprint, ALERTS.c.incident_id != incident_id)
            .values(current=False)
        )
        await self._connection.execute(
            self._insert(ALERTS)
            .values({**key, **latest, "first_seen": now, "count": 1})
            .on_conflict_do_update(index_elements=list(key), set_={**latest, "count": ALERTS.c.count + 1})
        )
        [stored] = await self._all(StoredAlert, select(ALERTS).filter_by(**key))
        return stored

    async def of_incident(self, incident_id: str) -> list[Alert]:
        """The incident's alerts, in the order in which they were first heard of."""
        stored = await self._all(
            StoredAlert,
            select(ALERTS)
            .where(ALERTS.c.incident_id == incident_id)
            .order_by(ALERTS.c.first_seen, ALERTS.c.fingerprint),
        )
        return [each.alert for each in stored]

    async def firing(self) -> list[StoredAlert]:
        """Alerts that were not resolved yet, oldest first."""
        return await self._all(
            StoredAlert,
            select(ALERTS)
            .where(ALERTS.c.status == AlertStatus.FIRING, ALERTS.c.current)
            .order_by(ALERTS.c.first_seen, ALERTS.c.fingerprint),
        )
