"""SIGKILL in every node of the graph: the incident finishes after a restart, and nothing happens twice.

Each case is a world of its own that mostly waits, so several run side by side; each test waits for its case. All of
them are one group of xdist: each worker would run every case.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from core.models import ApprovalState, AttemptState, IncidentStatus
from tests.crash.record import all_attempts, approve, check_record, pending, starts_of_leaf
from tests.crash.world import world

pytestmark = [
    pytest.mark.crash,
    pytest.mark.slow,
    pytest.mark.xdist_group("crash"),
    pytest.mark.timeout(900),  # a case may wait for its turn
    pytest.mark.asyncio(loop_scope="module"),
]

AT_ONCE = 4
NODES = ("triage", "recall", "gather", "detect", "diagnose", "plan", "guard", "verify", "learn", "report")
ACTING = ("act:before", "act:reserved", "act:running", "act:ran", "act:recorded", "act:after")
HEALING = (*(f"{node}:{side}" for node in NODES for side in ("before", "after")), *ACTING)

Case = Callable[[str, Path], Awaitable[None]]
Cases = Callable[[str], Awaitable[None]]


async def heal(point: str, folder: Path) -> None:
    """The leaf dies, Quell dies at the point; the second Quell heals, once."""
    async with world(folder) as here:
        first, marker = await here.start_quell(point)
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        await here.kill_at(first, marker)

        second, _ = await here.start_quell()
        incident = await here.ended()
        await second.stop()

        assert incident.status is IncidentStatus.RESOLVED, incident
        assert incident.cause_service == "leaf"
        attempts = await all_attempts(here)
        assert [attempt.state for attempt in attempts] == [AttemptState.DONE]
        assert await starts_of_leaf(here) == 1
        await check_record(here)


async def ask(point: str, folder: Path) -> None:
    """Quell dies around its question to a human; the answer counts, before or after."""
    async with world(folder, autonomy="propose") as here:
        first, marker = await here.start_quell(point)
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        if point.endswith("after"):
            await approve(here)
        await here.kill_at(first, marker)
        second, _ = await here.start_quell()
        if point.endswith("before"):
            await approve(here)
        incident = await here.ended()
        await second.stop()

        assert incident.status is IncidentStatus.RESOLVED, incident
        assert await starts_of_leaf(here) == 1
        async with here.store.read() as tx:
            assert len(await tx.approvals.find()) == 1
        await check_record(here)


async def undo(point: str, folder: Path) -> None:
    """A rollback that does not help is taken back once, and a human gets the incident."""
    async with world(folder) as here:
        first, marker = await here.start_quell(point)
        await here.baseline()
        await here.break_release()
        await here.alert()
        await here.kill_at(first, marker)
        second, _ = await here.start_quell()
        incident = await here.ended()
        await second.stop()

        assert incident.status is IncidentStatus.ESCALATED, incident
        actions = [(attempt.proposal.action, bool(attempt.undo_of)) for attempt in await all_attempts(here)]
        assert actions.count(("rollback", False)) == 1
        assert actions.count(("rollback", True)) == 1
        assert (await here.supervisor.state("leaf")).release == "2"
        await check_record(here)


async def wait(_: str, folder: Path) -> None:
    """A question stays one question over many restarts."""
    async with world(folder, autonomy="propose") as here:
        child, _marker = await here.start_quell()
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        await pending(here)
        for _ in range(2):
            await child.stop()
            child, _marker = await here.start_quell()
        await approve(here)
        incident = await here.ended()
        await child.stop()
        assert incident.status is IncidentStatus.RESOLVED, incident
        async with here.store.read() as tx:
            [approval] = await tx.approvals.find()
        assert approval.state is ApprovalState.APPROVED


CASES: dict[str, tuple[Case, str]] = {
    **{f"heal-{point}": (heal, point) for point in HEALING},
    **{f"ask-approve:{side}": (ask, f"approve:{side}") for side in ("before", "after")},
    **{f"undo-undo:{side}": (undo, f"undo:{side}") for side in ("before", "after")},
    "wait-restarts": (wait, ""),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cases]:
    """The cases that were selected, under way; waits for the end of one."""
    turn = asyncio.Semaphore(AT_ONCE)
    told: set[str] = set()

    async def run(name: str) -> None:
        case, point = CASES[name]
        async with turn:
            await case(point, tmp_path_factory.mktemp(name.replace(":", "-")))

    mine = [item for item in request.session.items if item.path == request.path]
    names = [item.callspec.params["name"] for item in mine if isinstance(item, pytest.Function)]
    tasks = {name: asyncio.create_task(run(name)) for name in names}

    async def ended(name: str) -> None:
        if name in told:  # what failed is repeated
            tasks[name] = asyncio.create_task(run(name))
        told.add(name)
        await tasks[name]

    yield ended
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("name", CASES)
async def test_an_incident_survives_sigkill(name: str, cases: Cases) -> None:
    await cases(name)
