"""The worker: runs what is live, once, and survives what goes wrong in a run."""

from __future__ import annotations

from typing import Any

from app.worker import Worker
from app.worker_settings import WorkerSettings
from core.models import AlertStatus, ApprovalState, AttemptState, Autonomy, IncidentStatus, Recovery
from events.correlation import CorrelationSettings
from events.intake import Intake
from graphs.runner import IncidentRunner
from stores.leases import Lease
from tests.graphs.conftest import SERVICES, Bench, bench
from tests.support import eventually
from tools.inventory import Inventory

__all__ = ["bench"]


def worker(here: Bench, runner: Any = None) -> Worker:
    """A worker over the bench's store and graph."""
    intake = Intake(here.store, Inventory(SERVICES), here.clock, CorrelationSettings(), autonomy=Autonomy.ACT)
    return Worker(here.store, intake, runner or here.runner, here.clock, WorkerSettings())


async def ended(here: Bench, *workers: Worker) -> None:
    """Take turns until nobody has anything to do."""

    async def idle() -> bool:
        for each in workers:
            await each.turn()
        return all([await each.idle() for each in workers])

    await eventually(idle)


async def test_a_live_incident_is_run_to_its_end_once_by_two_workers(bench: Bench) -> None:
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    await ended(bench, worker(bench), worker(bench))
    assert bench.remedy.acted == ["start leaf"]
    assert (await bench.incident()).status is IncidentStatus.RESOLVED


async def test_a_bug_in_a_run_hands_the_incident_to_a_human_and_the_worker_goes_on(bench: Bench) -> None:
    class Broken(IncidentRunner):
        async def run(self, incident_id: str, lease: Lease) -> Any:
            raise ZeroDivisionError("secret detail")

    graph = bench.runner._graph
    await ended(bench, worker(bench, Broken(graph, bench.context)))
    incident = await bench.incident()
    assert incident.status is IncidentStatus.ESCALATED
    assert incident.outcome == "internal error: ZeroDivisionError"
    assert bench.notices.told == ["human internal error"]


async def test_a_question_expires_when_the_alerts_resolve(bench: Bench) -> None:
    bench.remedy.facts = {"autonomy": Autonomy.PROPOSE}
    working = worker(bench)
    await ended(bench, working)
    assert (await bench.incident()).status is IncidentStatus.AWAITING_APPROVAL
    async with bench.store.write() as tx:
        [alert] = await tx.alerts.of_incident("inc_1")
        await tx.alerts.save(alert.model_copy(update={"status": AlertStatus.RESOLVED}), "inc_1")
    await ended(bench, working)
    assert (await bench.incident()).status is IncidentStatus.RESOLVED
    async with bench.store.read() as tx:
        [approval] = await tx.approvals.find()
    assert approval.state is ApprovalState.EXPIRED
    assert bench.remedy.acted == []
