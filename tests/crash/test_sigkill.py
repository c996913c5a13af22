"""SIGKILL in every node of the graph: the incident finishes after a restart, and nothing happens twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import ApprovalState, Attempt, AttemptState, IncidentStatus, Window
from remediation.approvals import decide
from tests.crash.world import World, world
from tests.support import eventually

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(180)]

NODES = ("triage", "recall", "gather", "detect", "diagnose", "plan", "guard", "verify", "learn", "report")
HEALING = [f"{node}:{side}" for node in NODES for side in ("before", "after")]
ACTING = ["act:before", "act:reserved", "act:running", "act:ran", "act:recorded", "act:after"]


async def done_attempts(here: World) -> list[Attempt]:
    """Every attempt on record, oldest first."""
    async with here.store.read() as tx:
        return list(reversed(await tx.attempts.find()))


async def check_record(here: World) -> None:
    """No alert is lost, the audit chain is whole, every notice and node is on record once."""
    async with here.store.read() as tx:
        assert await tx.inbox.pending(10) == []
        stored = await tx.alerts.get("feedfeedfeedfeed")
        assert stored is not None
        incident = await here.incident()
        assert incident is not None
        assert stored.incident_id == incident.id
        audit = await tx.audit.verify()
        assert audit.ok, audit
        timeline = await tx.timeline.of_incident(incident.id)
        assert [entry.kind for entry in timeline].count("outcome") == 1


async def starts_of_leaf(here: World) -> int:
    """How often the runtime itself says that somebody started or restarted the leaf."""
    incident = await here.incident()
    assert incident is not None
    window = Window(start=incident.opened_at, end=incident.updated_at.replace(year=incident.updated_at.year + 1))
    changes = await here.supervisor.changes("leaf", window)
    return sum(change.kind in {"start", "restart"} for change in changes)


@pytest.mark.parametrize("point", [*HEALING, *ACTING])
async def test_an_incident_survives_sigkill(point: str, tmp_path: Path) -> None:
    async with world(tmp_path) as here:
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
        attempts = await done_attempts(here)
        assert [attempt.state for attempt in attempts] == [AttemptState.DONE]
        assert await starts_of_leaf(here) == 1
        await check_record(here)


@pytest.mark.parametrize("point", ["approve:before", "approve:after"])
async def test_a_paused_approval_survives_sigkill(point: str, tmp_path: Path) -> None:
    async with world(tmp_path, autonomy="propose") as here:
        first, marker = await here.start_quell(point)
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        if point.endswith("after"):
            await _approve(here)
        await here.kill_at(first, marker)
        second, _ = await here.start_quell()
        if point.endswith("before"):
            await _approve(here)
        incident = await here.ended()
        await second.stop()

        assert incident.status is IncidentStatus.RESOLVED, incident
        assert await starts_of_leaf(here) == 1
        async with here.store.read() as tx:
            assert len(await tx.approvals.find()) == 1
        await check_record(here)


async def test_a_waiting_incident_is_asked_about_once_over_many_restarts(tmp_path: Path) -> None:
    async with world(tmp_path, autonomy="propose") as here:
        child, _ = await here.start_quell()
        await here.baseline()
        await here.kill_leaf()
        await here.alert()
        await _pending(here)
        for _ in range(2):
            await child.stop()
            child, _ = await here.start_quell()
        await _approve(here)
        incident = await here.ended()
        await child.stop()
        assert incident.status is IncidentStatus.RESOLVED, incident
        async with here.store.read() as tx:
            [approval] = await tx.approvals.find()
        assert approval.state is ApprovalState.APPROVED


@pytest.mark.parametrize("point", ["undo:before", "undo:after"])
async def test_an_undo_survives_sigkill(point: str, tmp_path: Path) -> None:
    """A rollback that does not help is taken back once, and a human gets the incident."""
    async with world(tmp_path) as here:
        first, marker = await here.start_quell(point)
        await here.baseline()
        await here.supervisor.deploy("leaf", "2", key="test-deploy")
        here.flaw.touch()
        await here.alert()
        await here.kill_at(first, marker)
        second, _ = await here.start_quell()
        incident = await here.ended()
        await second.stop()

        assert incident.status is IncidentStatus.ESCALATED, incident
        attempts = await done_attempts(here)
        actions = [(attempt.proposal.action, bool(attempt.undo_of)) for attempt in attempts]
        assert actions.count(("rollback", False)) == 1
        assert actions.count(("rollback", True)) == 1
        assert (await here.supervisor.state("leaf")).release == "2"
        await check_record(here)


async def _pending(here: World) -> str:
    async def waiting() -> str:
        async with here.store.read() as tx:
            found = await tx.approvals.find(state=ApprovalState.PENDING)
        return found[0].id if found else ""

    return await eventually(waiting, deadline_seconds=60)


async def _approve(here: World) -> None:
    await decide(here.store, await _pending(here), approved=True, by="test")
