"""Alerts by hand: a synthetic one, in the format that Alertmanager posts."""

from __future__ import annotations

from datetime import datetime

from app.operations.context import Context
from app.operations.outputs import SentAlerts
from core.models import Alert, AlertStatus, Severity
from events.alertmanager import fingerprint, render
from events.inbox import accept


def synthetic_alert(
    name: str, service: str, severity: Severity, *, resolved: bool, summary: str, at: datetime
) -> bytes:
    """The webhook body of one alert about a service; firing and resolved ones of the same name belong together."""
    labels = {"alertname": name, "service": service, "severity": severity.value}
    alert = Alert(
        fingerprint=fingerprint(labels),
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=name,
        severity=severity,
        labels=labels,
        annotations={"summary": summary} if summary else {},
        starts_at=at,
        ends_at=at if resolved else None,
        source="cli",
    )
    return render([alert])


async def receive_alerts(context: Context, source: str, body: bytes) -> SentAlerts:
    """Keep a webhook body; when this returns it is on disk.

    Args:
        source: who posted it, a key of `events.inbox.PARSERS`.

    Raises:
        InvalidInput: names the path of the bad field; the body is kept as rejected.
        StoreUnavailable: nothing was kept, the sender must try again.
    """
    receipt = await accept(context.store, source, body)
    return SentAlerts(accepted=receipt.alerts, ids=(receipt.id,))
