"""Alerts: what fires, what was kept quiet, and a synthetic one in the format that Alertmanager posts."""

from __future__ import annotations

from datetime import datetime

from app.operations.arguments import Id, Limit
from app.operations.context import Context
from app.operations.operation import get
from app.operations.outputs import AlertList, SentAlerts
from core.models import Alert, AlertStatus, Severity
from events.alertmanager import fingerprint, render
from events.inbox import accept


@get("/api/alerts", AlertList)
async def list_alerts(context: Context, *, service: Id | None = None, limit: Limit = 100) -> AlertList:
    """Alerts that fire, and those that started no incident as repeats of false alarms; of one service when asked."""
    async with context.store.read() as tx:
        firing = [stored.alert for stored in await tx.alerts.firing()]
        suppressed = await tx.suppressions.find(service, limit)
    shown = [alert for alert in firing if service is None or alert.service == service]
    return AlertList(firing=tuple(shown[:limit]), suppressed=tuple(suppressed))


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
