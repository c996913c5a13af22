"""PostgreSQL under Quell: two Quells share it and one dies; it dies itself and comes back. Nothing happens twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from core.models import AttemptState, IncidentStatus
from stores.tables import LEASES
from tests.crash.quell import gate
from tests.crash.record import all_attempts, approve, check_record, starts_of_leaf
from tests.crash.world import World, world
from tests.servers.postgres import Postgres, postgres, postgres_server
from tests.support import eventually

__all__ = ["postgres_server"]

pytestmark = [pytest.mark.crash, pytest.mark.slow]

HANDED_ON = ("gather:before", "plan:after", "act:reserved", "act:ran", "verify:before", "report:before")
OUTAGES = ("gather:before", "act:running", "act:ran", "verify:before")
RENEWALS = 6
"""Heartbeats of three a lease: two leases long."""


@pytest.fixture
def shared(postgres_server: Postgres) -> Iterator[str]:
    """A database without a schema."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def mortal() -> Iterator[Postgres]:
    """A server that the test may kill."""
    with postgres() as server:
        yield server


async def lease(here: World) -> tuple[str, int, datetime]:
    """Holder, token and end of the incident's lease."""
    async with here.store.read() as tx:
        row = (await tx.connection.execute(select(LEASES))).one()
    return row.holder, row.token, row.expires_at


async def stays_with_its_holder(here: World) -> None:
    """While its holder lives, an incident is not taken over, however long it takes."""
    ends = {(await lease(here))[2]}

    async def renewed() -> bool:
        ends.add((await lease(here))[2])
        return len(ends) > RENEWALS

    first = await lease(here)
    await eventually(renewed, deadline_seconds=30)
    assert (await lease(here))[:2] == first[:2]


async def healed_once(here: World) -> None:
    """Resolved by one action, which the runtime saw once."""
    incident = await here.ended()
    assert incident.status is IncidentStatus.RESOLVED, incident
    assert incident.cause_service == "leaf"
    assert [attempt.state for attempt in await all_attempts(here)] == [AttemptState.DONE]
    assert await starts_of_leaf(here) == 1
    await check_record(here)


@pytest.mark.parametrize("point", HANDED_ON)
async def test_of_two_quells_the_survivor_takes_over(point: str, shared: str, tmp_path: Path) -> None:
    async with world(tmp_path, database_url=shared) as here:
        here.write_twin()
        one, marker = await here.start_quell(point)
        two, _ = await here.start_quell(point, twin=True)
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        holder = await here.reached(marker, one, two)
        await stays_with_its_holder(here)
        before = await lease(here)
        await here.kill_at(holder, marker)
        await healed_once(here)
        after = await lease(here)
        assert before[0] != after[0]
        assert before[1] < after[1]
        await (two if holder is one else one).stop()


async def test_of_two_quells_the_survivor_hears_the_answer(shared: str, tmp_path: Path) -> None:
    async with world(tmp_path, autonomy="propose", database_url=shared) as here:
        here.write_twin()
        one, marker = await here.start_quell("approve:after")
        two, _ = await here.start_quell("approve:after", twin=True)
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        await approve(here)
        holder = await here.reached(marker, one, two)
        await here.kill_at(holder, marker)
        await healed_once(here)
        await (two if holder is one else one).stop()


@pytest.mark.parametrize("point", OUTAGES)
async def test_an_incident_outlives_its_database_server(point: str, mortal: Postgres, tmp_path: Path) -> None:
    url = mortal.url(mortal.create())
    async with world(tmp_path, database_url=url) as here:
        quell, marker = await here.start_quell(point)
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        await here.reached(marker, quell)
        mortal.kill()
        gate(marker).touch()
        log = tmp_path / "quell.log"
        await eventually(lambda: "incident_run_interrupted" in log.read_text(), deadline_seconds=30)
        mortal.start()
        await healed_once(here)
        quell.check()
        await quell.stop()

        incident = await here.incident()
        assert incident is not None
        async with here.store.read() as tx:
            outages = [each for each in await tx.timeline.of_incident(incident.id) if each.kind == "outage"]
        assert "could not reach the database" in " ".join(each.text for each in outages)
        assert "s3cret" not in log.read_text()
