"""`quell watch --once` with a real Prometheus, and no Alertmanager at all."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core.models import FaultKind, IncidentStatus
from tests.crash.record import starts_of_leaf
from tests.crash.world import World, environment
from tests.outages.watched import watched_world
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

COLLECT_SECONDS = 90.0
"""Longer than the whole look may take: with a Prometheus nothing is collected first."""


async def look(here: World) -> tuple[int, dict[str, Any]]:
    """One `quell watch --once`: its exit code and what it printed."""
    argv = [sys.executable, "-P", "-m", "app.cli.main", "watch", "--once", "--json"]
    argv += ["--collect-seconds", str(COLLECT_SECONDS), "--config", str(here.folder / "quell.yaml")]
    process = await asyncio.create_subprocess_exec(
        *argv, env=environment(), cwd=here.folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(output)


async def test_one_look_finds_a_fault_and_runs_it_to_its_end(tmp_path: Path) -> None:
    async with watched_world(tmp_path) as (here, _):
        code, shown = await look(here)
        assert (code, shown["alerts"], shown["incidents"]) == (0, [], []), "all is well"
        await here.kill_leaf()

        async def found() -> tuple[int, dict[str, Any]] | None:
            code, shown = await look(here)
            return (code, shown) if shown["alerts"] else None

        began = time.monotonic()
        answer = await eventually(found, deadline_seconds=60)
        assert answer is not None
        code, shown = answer
        assert time.monotonic() - began < COLLECT_SECONDS
        [ended] = shown["incidents"]
        assert (code, ended["status"]) == (0, IncidentStatus.RESOLVED), shown
        assert {alert["service"] for alert in shown["alerts"]} == {"edge"}
        assert (ended["cause_service"], ended["cause_kind"]) == ("leaf", FaultKind.CRASH)
        assert await starts_of_leaf(here) == 1
