"""Alertmanager dies in the middle of an incident, comes back and tells of the same alert again: one incident."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import httpx
import pytest

from core.models import IncidentStatus
from drills.environments.children import Child
from drills.ports import free_ports
from tests.crash.record import approve, pending
from tests.crash.world import World, environment
from tests.outages.watched import acted_once, timeline, watched_world
from tests.servers.alertmanager import alertmanager
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TOKEN = "token-of-the-webhook"


async def serve(here: World) -> Child:
    """`quell serve`, once it answers."""
    argv = [sys.executable, "-P", "-m", "app.cli.main", "serve", "--no-watch"]
    argv += ["--config", str(here.folder / "quell.yaml")]
    child = await Child.start("serve", argv, environment=environment(), folder=here.folder)

    async def answers() -> bool:
        child.check()
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                return (await client.get(f"http://127.0.0.1:{here.settings.server.port}/healthz")).is_success
            except httpx.HTTPError:
                return False

    await eventually(answers, deadline_seconds=40, every_seconds=0.1)
    return child


async def delivered(here: World) -> int:
    """How many notifications have been worked through."""
    async with here.store.read() as tx:
        return (await tx.inbox.counts()).get("done", 0)


async def test_an_incident_outlives_its_alertmanager(tmp_path: Path) -> None:
    api, port = free_ports(2)
    webhook = f"http://127.0.0.1:{api}/api/alerts/webhook"
    http_config = {"authorization": {"type": "Bearer", "credentials": TOKEN}}
    folder = tmp_path / "alertmanager"
    folder.mkdir()
    changes = {
        "autonomy": "propose",
        "server": {"port": api, "token": TOKEN},
        "alertmanager": {"url": f"http://127.0.0.1:{port}"},
    }
    async with watched_world(tmp_path, told_to=f"127.0.0.1:{port}", **changes) as (here, _):
        quell = await serve(here)
        with alertmanager(folder, webhook, http_config=http_config, port=port) as server:
            await here.kill_leaf()
            question = await pending(here)
            before = await delivered(here)
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
        incident = await here.incident()
        assert incident is not None
        assert incident.status is IncidentStatus.AWAITING_APPROVAL
        with alertmanager(folder, webhook, http_config=http_config, port=port):

            async def told_again() -> bool:
                return await delivered(here) > before

            await eventually(told_again, deadline_seconds=60, every_seconds=0.1)
            assert await pending(here) == question, "the same question still"
            await approve(here)
            await acted_once(here)
        assert [entry.kind for entry in await timeline(here)].count("outcome") == 1
        quell.check()
        await quell.stop()
