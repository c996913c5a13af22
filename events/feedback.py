"""Whether an alert repeats what humans called a false alarm before.

An alert is kept quiet when its pattern was judged a false alarm often enough of late, in incidents that were at least
as severe, and never as real. It is recorded with its reason and starts no incident.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from pydantic import Field

from core.clock import Clock
from core.models import Alert, AlertPattern, AlertStatus, Model, Severity
from stores.store import Tx

log = structlog.get_logger(__name__)


class FeedbackSettings(Model):
    """What becomes of repeats of false alarms (`feedback:` in quell.yaml)."""

    false_alarms: int = Field(
        default=2,
        ge=0,
        description="incidents of a pattern that must be closed as false alarms, and none as real, "
        "before it starts no further ones; 0: it always does",
    )
    memory_seconds: float = Field(
        default=30 * 86_400.0,
        gt=0,
        description="false alarms older than that are forgotten, so that nothing is quiet for ever",
    )


async def why_quiet(tx: Tx, alert: Alert, settings: FeedbackSettings, clock: Clock) -> str:
    """The reason to keep a firing alert quiet; empty when it is to be raised."""
    if alert.status is not AlertStatus.FIRING or not settings.false_alarms:
        return ""
    since = clock.now() - timedelta(seconds=settings.memory_seconds)
    record = await tx.feedback.record(AlertPattern.of(alert), since, alert.severity)
    if record.real or record.false_alarms < settings.false_alarms or record.last_at is None:
        return ""
    return (
        f"judged a false alarm {record.false_alarms} times and never real,"
        f" last by {record.last_by or 'nobody known'} at {record.last_at:%Y-%m-%d %H:%M}Z"
    )


async def keep_quiet(tx: Tx, alert: Alert, reason: str) -> None:
    """Put on record that the alert was kept quiet, and why; a critical one stands in the audit trail too."""
    first = await tx.suppressions.add(alert, reason)
    await tx.alerts.save(alert, "")
    log.info("alert_suppressed", alert=alert.name, service=alert.service, severity=alert.severity, reason=reason)
    if first and alert.severity is Severity.CRITICAL:
        detail = {"alert": alert.name, "service": alert.service, "reason": reason}
        await tx.audit.append("quell", "alert_suppressed", alert.fingerprint, detail)
