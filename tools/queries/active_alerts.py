"""The alerts of the incident."""

from __future__ import annotations

from core.models import Alert, AlertStatus, Digest, EvidenceKind, Fact
from tools.context import QueryContext
from tools.queries.spec import NoParameters, QuerySpec, bounded_facts

MAX_TEXT_CHARACTERS = 300


async def fetch(context: QueryContext, parameters: NoParameters) -> tuple[Alert, ...]:
    """The alerts, in order of their beginning."""
    return tuple(sorted(context.alerts, key=lambda alert: (alert.starts_at, alert.fingerprint)))


def digest(alerts: tuple[Alert, ...], context: QueryContext) -> Digest:
    """One row an alert. Names and annotations are a stranger's text, cut to a bounded length."""
    facts = [
        Fact(subject=alert.service, name=f"{alert.status} {alert.severity}", value=_told(alert), at=alert.starts_at)
        for alert in alerts
    ]
    firing = sum(alert.status is AlertStatus.FIRING for alert in alerts)
    return bounded_facts(f"{firing} of {len(alerts)} alerts firing", facts, context)


def parts(alerts: tuple[Alert, ...], evidence: str) -> tuple[()]:
    """Alerts are no measurement: a view only names their evidence."""
    return ()


def _told(alert: Alert) -> str:
    summary = alert.annotations.get("summary") or alert.annotations.get("description", "")
    return f"{alert.name}: {summary}"[:MAX_TEXT_CHARACTERS]


SPEC = QuerySpec(
    name="active_alerts",
    description="The alerts that belong to this incident.",
    kind=EvidenceKind.ALERT,
    parameters=NoParameters,
    source=lambda context: "inbox",
    fetch=fetch,
    digest=digest,
    parts=parts,
)
