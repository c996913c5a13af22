"""A real Alertmanager posts to a real HTTP receiver, and what it posts is read.

Needs `prometheus-alertmanager` (Debian) or `alertmanager` on the path; skipped without, but not in CI.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from core.models import Alert, AlertStatus, Severity
from events.alertmanager import fingerprint, parse
from tests.receiver import Receiver, receiver
from tests.servers.alertmanager import alertmanager
from tests.support import eventually

DELIVERY_SECONDS = 30.0
LABELS = {"alertname": "ErrorRate", "service": "gateway", "severity": "page", "weird": 'é "quoted" \n,{}='}


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
async def api(inbox: Receiver, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Its API, while it delivers everything at once to `inbox`."""
    with alertmanager(tmp_path, f"{inbox.origin}/api/alerts/webhook") as server:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            yield client


async def delivered(inbox: Receiver, status: AlertStatus) -> Alert:
    """The alert of the first notification that says so."""

    def look() -> Alert | None:
        alerts = [alert for request in inbox.requests for alert in parse(request.body)]
        return next((alert for alert in alerts if alert.status is status), None)

    found = await eventually(look, deadline_seconds=DELIVERY_SECONDS)
    assert found is not None
    return found


@pytest.mark.slow
async def test_what_a_real_alertmanager_posts_is_read(api: httpx.AsyncClient, inbox: Receiver) -> None:
    started = datetime.now(UTC) - timedelta(minutes=1)
    posted = {
        "labels": LABELS,
        "annotations": {"summary": "a third of all requests fail"},
        "startsAt": started.isoformat(),
        "generatorURL": "http://prometheus:9090/graph",
    }
    (await api.post("/api/v2/alerts", json=[posted])).raise_for_status()

    fired = await delivered(inbox, AlertStatus.FIRING)
    assert (fired.name, fired.severity, fired.labels) == ("ErrorRate", Severity.CRITICAL, LABELS)
    assert fired.annotations == {"summary": "a third of all requests fail"}
    assert abs(fired.starts_at - started) < timedelta(milliseconds=1)
    assert fired.ends_at is None
    assert fired.generator_url == "http://prometheus:9090/graph"
    assert fired.fingerprint == fingerprint(LABELS), "computed as Alertmanager does"
    payload = inbox.requests[0].json
    assert {"groupLabels", "commonLabels", "commonAnnotations", "truncatedAlerts", "groupKey"} <= set(payload)

    ended = posted | {"endsAt": datetime.now(UTC).isoformat()}
    (await api.post("/api/v2/alerts", json=[ended])).raise_for_status()
    resolved = await delivered(inbox, AlertStatus.RESOLVED)
    assert resolved.fingerprint == fired.fingerprint
    assert resolved.ends_at is not None
    assert resolved.starts_at == fired.starts_at
