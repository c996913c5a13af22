"""The Docker Engine dies in the middle of an incident and comes back, its containers with it: one action at most.

The containers live on while it is away, end when it begins again, and are started by their policy `unless-stopped`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import AttemptState, IncidentStatus
from tests.crash.quell import gate
from tests.crash.record import all_attempts, check_record
from tests.outages.contained import contained_world
from tests.outages.watched import outages, timeline
from tests.servers.docker import DockerEngine
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]


@pytest.mark.parametrize("point", ["gather:after", "guard:before", "act:reserved", "act:running", "act:ran"])
async def test_an_incident_outlives_its_engine(point: str, docker_engine: DockerEngine, tmp_path: Path) -> None:
    async with contained_world(tmp_path, docker_engine) as contained:
        here = contained.here
        quell, marker = await here.start_quell(point)
        await here.baseline()
        contained.hang()
        await here.alert()
        await here.reached(marker, quell)
        docker_engine.kill()
        gate(marker).touch()

        async def began() -> str:
            return await outages(here)

        assert "docker: " in await eventually(began, deadline_seconds=60)
        docker_engine.start()

        async def over() -> bool:
            return "docker answers again after" in await outages(here)

        await eventually(over, deadline_seconds=60)
        incident = await here.ended(deadline_seconds=120)
        told = "\n".join(f"{entry.at:%X} {entry.kind} {entry.text}" for entry in await timeline(here))
        back = contained.inspect()["State"]["Status"] == "running"
        assert incident.cause_service == "leaf"
        assert back or point == "act:ran", "an engine killed right after a restart may forget its own policy"
        assert incident.status is (IncidentStatus.RESOLVED if back else IncidentStatus.ESCALATED), told
        assert len(contained.actions()) <= 1
        attempts = await all_attempts(here)
        assert [attempt.state for attempt in attempts] in ([], [AttemptState.DONE])
        assert point not in ("act:reserved", "act:running", "act:ran") or attempts
        await check_record(here)
        quell.check()
        await quell.stop()
