"""A real Alertmanager posts to a real HTTP receiver, and what it posts is read.

Needs `prometheus-alertmanager` (Debian) or `alertmanager` on the path; skipped without, but not in CI.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml

from core.models import Alert, AlertStatus, Severity
from events.alertmanager import fingerprint, parse
from tests.receiver import Receiver, receiver
from tests.support import eventually

DELIVERY_SECONDS = 30.0
LABELS = {"alertname": "ErrorRate", "service": "gateway", "severity": "page", "weird": 'é "quoted" \n,{}='}


def binary() -> str:
    """The Alertmanager to run; its absence is an error where tests are promised to run in full."""
    found = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if found is None:
        reason = "no Alertmanager on the path: apt-get install prometheus-alertmanager"
        if os.environ.get("CI") == "true" or os.environ.get("TEST_INSTALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
async def alertmanager(inbox: Receiver, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Its API, while it delivers everything at once to `inbox`."""
    config = {
        "route": {"receiver": "quell", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"},
        "receivers": [
            {"name": "quell", "webhook_configs": [{"url": f"{inbox.origin}/api/alerts/webhook", "send_resolved": True}]}
        ],
    }
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [
        binary(),
        f"--config.file={tmp_path / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as api:

        async def ready() -> bool:
            assert process.returncode is None, log.read_text()
            try:
                return (await api.get("/-/ready")).is_success
            except httpx.TransportError:
                return False

        try:
            await eventually(ready, deadline_seconds=DELIVERY_SECONDS)
            yield api
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def delivered(inbox: Receiver, status: AlertStatus) -> Alert:
    """The alert of the first notification that says so."""

    def look() -> Alert | None:
        alerts = [alert for request in inbox.requests for alert in parse(request.body)]
        return next((alert for alert in alerts if alert.status is status), None)

    found = await eventually(look, deadline_seconds=DELIVERY_SECONDS)
    assert found is not None
    return found


@pytest.mark.slow
async def test_what_a_real_alertmanager_posts_is_read(alertmanager: httpx.AsyncClient, inbox: Receiver) -> None:
    started = datetime.now(UTC) - timedelta(minutes=1)
    posted = {
        "labels": LABELS,
        "annotations": {"summary": "a third of all requests fail"},
        "startsAt": started.isoformat(),
        "generatorURL": "http://prometheus:9090/graph",
    }
    (await alertmanager.post("/api/v2/alerts", json=[posted])).raise_for_status()

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
    (await alertmanager.post("/api/v2/alerts", json=[ended])).raise_for_status()
    resolved = await delivered(inbox, AlertStatus.RESOLVED)
    assert resolved.fingerprint == fired.fingerprint
    assert resolved.ends_at is not None
    assert resolved.starts_at == fired.starts_at
