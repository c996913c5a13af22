"""Alertmanager's payloads, as version 0.25 posts them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

ZERO_TIME = "0001-01-01T00:00:00Z"
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def wire_alert(
    name: str = "ErrorRate",
    service: str = "gateway",
    severity: str = "critical",
    *,
    resolved_at: str = "",
    starts_at: str = "2026-03-03T11:59:30.123456789Z",
    **more: Any,
) -> dict[str, Any]:
    """One entry of `alerts`; without a fingerprint, so that it follows from the labels."""
    return {
        "status": "resolved" if resolved_at else "firing",
        "labels": {"alertname": name, "service": service, "severity": severity},
        "annotations": {"summary": "a third of all requests fail"},
        "startsAt": starts_at,
        "endsAt": resolved_at or ZERO_TIME,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        **more,
    }


def body(*alerts: dict[str, Any], **more: Any) -> bytes:
    """A whole notification."""
    payload = {
        "receiver": "quell",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "ErrorRate"},
        "commonLabels": {"alertname": "ErrorRate"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": '{}:{alertname="ErrorRate"}',
        "truncatedAlerts": 0,
        **more,
    }
    return json.dumps(payload).encode()
