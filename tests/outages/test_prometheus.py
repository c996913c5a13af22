"""Prometheus dies in the middle of an incident and comes back on the same data: one action, the right end."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import AttemptState, IncidentStatus
from tests.crash.quell import gate
from tests.crash.record import all_attempts, starts_of_leaf
from tests.outages.watched import healed_once, outages, timeline, watched_world
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

BEFORE_ACTING = ("gather:after", "guard:before")
AFTER_ACTING = ("act:ran", "verify:before")
POLICY = {"rules": [{"name": "all", "effect": "allow"}], "cooldown_seconds": 0.5}


@pytest.mark.parametrize("point", [*BEFORE_ACTING, *AFTER_ACTING])
async def test_an_incident_outlives_its_prometheus(point: str, tmp_path: Path) -> None:
    async with watched_world(tmp_path) as (here, metrics):
        quell, marker = await here.start_quell(point)
        await here.kill_leaf()
        await here.alert()
        await here.reached(marker, quell)
        metrics.kill()
        gate(marker).touch()

        async def told() -> str:
            return await outages(here)

        await eventually(told, deadline_seconds=30)
        acted = point in AFTER_ACTING
        assert await starts_of_leaf(here) == acted, "nothing is done on the word of metrics from before"
        metrics.start()
        await healed_once(here)
        assert metrics.url in await outages(here)
        await quell.stop()


async def test_a_prometheus_that_stays_away_leaves_it_to_a_human(tmp_path: Path) -> None:
    async with watched_world(tmp_path, policy={**POLICY, "max_evidence_age_seconds": 8}) as (here, metrics):
        quell, marker = await here.start_quell("guard:before")
        await here.kill_leaf()
        await here.alert()
        await here.reached(marker, quell)
        metrics.kill()
        gate(marker).touch()
        incident = await here.ended()
        assert incident.status is IncidentStatus.ESCALATED
        assert "could not be read again" in incident.outcome
        assert await all_attempts(here) == []
        assert await starts_of_leaf(here) == 0
        assert metrics.url in await outages(here)
        await quell.stop()


async def test_a_recovery_that_nobody_sees_is_none(tmp_path: Path) -> None:
    verification = {"deadline_seconds": 6, "hold_seconds": 1, "poll_seconds": 0.25, "settle_seconds": 0.5}
    async with watched_world(tmp_path, verification=verification) as (here, metrics):
        quell, marker = await here.start_quell("act:ran")
        await here.kill_leaf()
        await here.alert()
        await here.reached(marker, quell)
        metrics.kill()
        gate(marker).touch()
        incident = await here.ended()
        assert incident.status is IncidentStatus.ESCALATED
        assert incident.outcome.startswith("unverified")
        assert [attempt.state for attempt in await all_attempts(here)] == [AttemptState.DONE]
        assert "outage" in {entry.kind for entry in await timeline(here)}
        await quell.stop()


async def test_a_prometheus_that_is_away_from_the_start(tmp_path: Path) -> None:
    """It is away for the whole of the first look; what the runtime tells is enough to name the cause, not to act."""
    async with watched_world(tmp_path) as (here, metrics):
        quell, marker = await here.start_quell("gather:before")
        await here.kill_leaf()
        await here.alert()
        await here.reached(marker, quell)
        metrics.kill()
        gate(marker).touch()

        async def told() -> str:
            return await outages(here)

        await eventually(told, deadline_seconds=30)
        assert await starts_of_leaf(here) == 0
        metrics.start()
        await healed_once(here)
        await quell.stop()
