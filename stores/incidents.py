"""Incidents."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import insert, select, tuple_

from core.models import ATTENTION, Incident, IncidentStatus
from stores.repository import Repository
from stores.tables import INCIDENTS


class Incidents(Repository):
    """Alerts of one cause, and what became of them."""

    async def add(self, incident: Incident) -> None:
        """Keep a new incident.

        Raises:
            Conflict: one with that id exists.
        """
        await self._connection.execute(insert(INCIDENTS).values(dict(incident)))

    async def get(self, incident_id: str) -> Incident:
        """The incident with that id.

        Raises:
            NotFound: there is none.
        """
        return await self._by_id(Incident, INCIDENTS, incident_id)

    async def find(
        self,
        statuses: Collection[IncidentStatus] | None = None,
        service: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[Incident]:
        """Incidents, newest first.

        Args:
            before: id of the last incident of the page before this one.

        Raises:
            NotFound: `before` is no incident.
        """
        statement = select(INCIDENTS).order_by(INCIDENTS.c.opened_at.desc(), INCIDENTS.c.id.desc()).limit(limit)
        if statuses is not None:
            statement = statement.where(INCIDENTS.c.status.in_(statuses))
        if service is not None:
            statement = statement.where(INCIDENTS.c.service == service)
        if before is not None:
            last = await self.get(before)
            statement = statement.where(tuple_(INCIDENTS.c.opened_at, INCIDENTS.c.id) < tuple_(last.opened_at, last.id))
        return await self._all(Incident, statement)

    async def active_for(self, service: str) -> Incident | None:
        """The newest incident of the service that a new alert would join."""
        return next(iter(await self.find(ATTENTION, service, limit=1)), None)

    async def update(self, incident_id: str, **fields: Any) -> Incident:
        """Change some fields; `updated_at` follows the clock.

        Raises:
            NotFound: there is no such incident.
            pydantic.ValidationError: a field does not exist or has a wrong value.
        """
        return await self._update(Incident, INCIDENTS, incident_id, {"updated_at": self._clock.now(), **fields})

    async def attach(self, incident_id: str, fingerprint: str) -> Incident:
        """Note that an alert belongs to the incident; a second time changes nothing.

        Raises:
            NotFound: there is no such incident.
        """
        incident = await self._by_id(Incident, INCIDENTS, incident_id, lock=True)
        if fingerprint in incident.alerts:
            return incident
        return await self.update(incident_id, alerts=(*incident.alerts, fingerprint))
