"""What a crash must leave behind, read from the store and from the runtime; and the human who says yes."""

from __future__ import annotations

from core.models import ApprovalState, Attempt, Window
from remediation.approvals import decide
from tests.crash.world import World
from tests.support import eventually


async def all_attempts(here: World) -> list[Attempt]:
    """Every attempt on record, oldest first."""
    async with here.store.read() as tx:
        return list(reversed(await tx.attempts.find()))


async def check_record(here: World) -> None:
    """No alert is lost, the audit chain is whole, the end is told once."""
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


async def pending(here: World) -> str:
    """The id of the question that waits."""

    async def waiting() -> str:
        async with here.store.read() as tx:
            found = await tx.approvals.find(state=ApprovalState.PENDING)
        return found[0].id if found else ""

    return await eventually(waiting, deadline_seconds=60)


async def approve(here: World) -> None:
    """A human says yes."""
    await decide(here.store, await pending(here), approved=True, by="test")
