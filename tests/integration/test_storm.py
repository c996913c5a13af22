"""An alert storm over the real webhook: nothing lost, one incident a service, few actions."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from core.models import LIVE
from drills.environments.children import Child
from drills.ports import free_ports
from tests.crash.world import World, environment, world
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

POSTS, DISTINCT = 200, 50


def payload(number: int) -> bytes:
    """One alert; numbers repeat after `DISTINCT`, half of them are about each service."""
    which = number % DISTINCT
    service = "leaf" if which % 2 else "edge"
    alert = {
        "status": "firing",
        "labels": {"alertname": f"Storm{which}", "severity": "critical", "service": service},
        "annotations": {},
        "startsAt": "2026-03-03T12:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"{which:016x}",
    }
    return json.dumps({"version": "4", "status": "firing", "receiver": "quell", "alerts": [alert]}).encode()


async def serve(here: World) -> tuple[Child, str, str]:
    """A real `quell serve` on a free port; its URL and token."""
    [port] = free_ports(1)
    config = here.folder / "quell.yaml"
    argv = [sys.executable, "-P", "-m", "app.cli.main", "serve", "--config", str(config), "--port", str(port)]
    child = await Child.start("serve", argv, environment=environment(), folder=here.folder)
    url = f"http://127.0.0.1:{port}"

    async def ready() -> bool:
        child.check()
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"{url}/readyz")).is_success
        except httpx.HTTPError:
            return False

    await eventually(ready, deadline_seconds=30)
    return child, url, here.settings.token_path.read_text().strip()


async def test_two_hundred_posts_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        child, url, token = await serve(here)
        await here.baseline()
        await here.kill_leaf()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
            answers = await asyncio.gather(
                *(client.post(f"{url}/api/alerts/webhook", content=payload(n)) for n in range(POSTS))
            )
        assert {answer.status_code for answer in answers} == {202}

        async def settled() -> bool:
            async with here.store.read() as tx:
                pending = await tx.inbox.pending(1)
                live = await tx.incidents.find(statuses=LIVE)
                return not pending and not live and bool(await tx.incidents.find())

        await eventually(settled, deadline_seconds=90, every_seconds=0.2)
        async with here.store.read() as tx:
            counts = await tx.inbox.counts()
            firing = await tx.alerts.firing()
            incidents = await tx.incidents.find()
            attempts = await tx.attempts.find()
        await child.stop()

    assert {state: count for state, count in counts.items() if count} == {"done": POSTS}
    assert {stored.alert.fingerprint for stored in firing} == {f"{n:016x}" for n in range(DISTINCT)}
    assert sum(stored.count for stored in firing) == POSTS
    assert Counter(incident.service for incident in incidents) == {"edge": 1, "leaf": 1}
    assert max(Counter(attempt.proposal.service for attempt in attempts).values()) <= 3
