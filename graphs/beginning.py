"""What a run began with, kept beside its recordings: alerts join an incident later, end, and make it more severe."""

from __future__ import annotations

from typing import Self

from core.models import Alert, Incident, Model
from graphs.bundle import Bundle, recorded_model
from graphs.context import IncidentContext

PORT, KEY = "beginning", "run"


class Beginning(Model):
    """The incident and its alerts when the run began."""

    incident: Incident
    alerts: tuple[Alert, ...]

    @classmethod
    def recorded(cls, bundle: Bundle) -> Self:
        """Read it back; of a bundle that holds none, the incident and its alerts as they were exported.

        Raises:
            BundleError: it was recorded by another version.
        """
        payload = next((call.payload for call in bundle.recordings if (call.port, call.key) == (PORT, KEY)), None)
        if payload is None:
            return cls(incident=bundle.incident, alerts=bundle.alerts)
        return recorded_model(cls, payload, "alerts")


async def keep_beginning(context: IncidentContext, incident_id: str) -> Beginning:
    """The incident under investigation with its alerts; recorded once, so that a node that runs again takes the same.

    Raises:
        LeaseLost: another process has the incident now.
    """
    async with context.store.write() as tx:
        await tx.leases.check(context.lease)
        incident = await tx.incidents.get(incident_id)
        if incident.investigated_at is None:
            incident = await tx.incidents.update(incident_id, investigated_at=context.clock.now())
        now = Beginning(incident=incident, alerts=tuple(await tx.alerts.of_incident(incident_id)))
        await tx.recordings.add(incident_id, "", PORT, KEY, now.model_dump_json().encode())
        kept = await tx.recordings.find(incident_id, PORT, KEY)
    return Beginning.model_validate_json(kept) if kept is not None else now
