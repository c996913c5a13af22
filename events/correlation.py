"""Which incident an alert belongs to, decided without I/O."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from core.models import ATTENTION, LIVE, Alert, AlertStatus, Incident, Model, Severity
from stores.alerts import StoredAlert


class CorrelationSettings(Model):
    """How alerts are joined into incidents (`correlation:` in quell.yaml)."""

    window_seconds: float = Field(
        default=900.0,
        ge=0,
        description="how long an ended incident answers for alerts that are still firing, "
        "and one that was handed to a human for new alerts of its service",
    )


class CorrelationKind(StrEnum):
    """What becomes of an alert. All but `IGNORED` replace what is on record of its fingerprint."""

    DUPLICATE = "duplicate"
    JOINED = "joined"
    OPENED = "opened"
    RECORDED = "recorded"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class Correlation(Model):
    """The answer, with its reason."""

    kind: CorrelationKind
    incident_id: str | None = Field(default=None, description="None when it has none, or a new one is to be opened")
    reason: str


def correlate(
    alert: Alert,
    stored: StoredAlert | None,
    holder: Incident | None,
    active: Incident | None,
    now: datetime,
    window_seconds: float,
) -> Correlation:
    """Decide what one alert means, given what is known.

    - **Same fingerprint, still firing**: a duplicate, as long as the incident that holds it has somebody's attention,
      or ended less than `window_seconds` ago (an alert's own rate window outlasts the recovery). Firing on after that,
      it is not over, and opens a new incident.
    - **Firing again after it was resolved**: always counts as firing, even with the old `startsAt`: an Alertmanager
      that lost its Prometheus for a while resolves an alert and then sends it again just so, and a missed outage costs
      more than an investigation that finds nothing.
    - **Firing, other**: joins the active incident of its group. An ended incident is never reopened, as its record
      must stay what it was: the alert opens a new one. An escalated incident stops collecting once nothing happened to
      it for `window_seconds`, so that a forgotten one does not hide the next outage.
    - **Info** is recorded and starts nothing; the same alert coming back as a warning does.
    - **Resolved** ends the alert. One that never fired here is recorded; one that ends an earlier firing than the one
      on record comes too late and is ignored.

    Args:
        stored: the last of the same fingerprint.
        holder: the incident of `stored`.
        active: the newest incident of the alert's group (its service, else its name) in `ATTENTION`.
    """
    if alert.status is AlertStatus.RESOLVED:
        return _resolved(alert, stored)
    if alert.severity is Severity.INFO:
        return Correlation(
            kind=CorrelationKind.RECORDED,
            incident_id=holder.id if holder else None,
            reason="info is recorded, not investigated",
        )
    if stored is not None and stored.alert.status is AlertStatus.FIRING and holder is not None:
        if holder.status in ATTENTION:
            return _known(holder, "it is firing already")
        ended_seconds = (now - (holder.ended_at or holder.updated_at)).total_seconds()
        if ended_seconds < window_seconds:
            return _known(holder, f"its incident ended {ended_seconds:.0f} s ago and the alert may lag behind")
    if active is None:
        return Correlation(kind=CorrelationKind.OPENED, reason="no incident of its group is active")
    quiet_seconds = (now - active.updated_at).total_seconds()
    if active.status not in LIVE and quiet_seconds >= window_seconds:
        return Correlation(
            kind=CorrelationKind.OPENED,
            reason=f"{active.id} waits for a human and has been quiet for {quiet_seconds:.0f} s",
        )
    return Correlation(
        kind=CorrelationKind.JOINED, incident_id=active.id, reason=f"{active.id} of its group is {active.status}"
    )


def _resolved(alert: Alert, stored: StoredAlert | None) -> Correlation:
    if stored is None:
        return Correlation(kind=CorrelationKind.RECORDED, reason="resolved, but it never fired here")
    incident_id = stored.incident_id or None
    if stored.alert.status is AlertStatus.RESOLVED:
        return Correlation(kind=CorrelationKind.DUPLICATE, incident_id=incident_id, reason="it is resolved already")
    if alert.ends_at is not None and alert.ends_at < stored.alert.starts_at:
        return Correlation(
            kind=CorrelationKind.IGNORED,
            incident_id=incident_id,
            reason="it ends an earlier firing than the one on record",
        )
    return Correlation(kind=CorrelationKind.RESOLVED, incident_id=incident_id, reason="it no longer fires")


def _known(holder: Incident, reason: str) -> Correlation:
    return Correlation(kind=CorrelationKind.DUPLICATE, incident_id=holder.id, reason=reason)
