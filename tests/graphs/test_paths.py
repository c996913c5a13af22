"""Which way an incident takes: each ending of the graph, reached through the real nodes, agents and guard rules."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from core.errors import AlreadyReserved, LeaseLost, SourceUnavailable, StateInvalid, StoreUnavailable
from core.models import ApprovalState, AttemptState, Autonomy, FaultKind, IncidentStatus, Recovery
from core.ports import Lesson, Recollection
from graphs.runner import RunResult
from tests.graphs.conftest import Bench

HEALED = ["triage", "recall", "gather", "detect", "diagnose", "plan", "guard", "act", "verify", "learn", "report"]


async def test_a_crash_is_diagnosed_healed_and_verified(bench: Bench) -> None:
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    assert await bench.runner.run("inc_1", await bench.lease()) is RunResult.FINISHED
    incident = await bench.incident()
    assert incident.status is IncidentStatus.RESOLVED
    assert (incident.cause_service, incident.cause_kind) == ("leaf", FaultKind.CRASH)
    assert bench.remedy.acted == ["start leaf"]
    assert await bench.path() == HEALED
    assert bench.notices.told == ["ended"]


async def test_a_finished_incident_is_not_run_again(bench: Bench) -> None:
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    lease = await bench.lease()
    await bench.runner.run("inc_1", lease)
    assert await bench.runner.run("inc_1", lease) is RunResult.FINISHED
    assert bench.remedy.acted == ["start leaf"]


async def test_an_action_that_does_not_help_is_followed_by_another_one(bench: Bench) -> None:
    bench.remedy.states = [AttemptState.DONE, AttemptState.DONE]
    bench.remedy.recoveries = [Recovery.NOT_RECOVERED, Recovery.RECOVERED]
    await bench.runner.run("inc_1", await bench.lease())
    assert bench.remedy.acted == ["start leaf", "restart leaf"]
    assert (await bench.incident()).status is IncidentStatus.RESOLVED


async def test_when_nothing_is_left_to_try_a_human_gets_it(bench: Bench) -> None:
    bench.remedy.states = [AttemptState.DONE, AttemptState.FAILED]
    bench.remedy.recoveries = [Recovery.NOT_RECOVERED]
    await bench.runner.run("inc_1", await bench.lease())
    incident = await bench.incident()
    assert incident.status is IncidentStatus.ESCALATED
    assert incident.outcome.startswith("exhausted")
    assert bench.notices.told == ["human exhausted"]


async def test_unreadable_metrics_after_an_action_end_at_a_human_without_another_action(bench: Bench) -> None:
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.UNREADABLE]
    await bench.runner.run("inc_1", await bench.lease())
    assert bench.remedy.acted == ["start leaf"]
    assert (await bench.incident()).outcome.startswith("unverified")


async def test_an_action_of_unknown_effect_ends_at_a_human(bench: Bench) -> None:
    bench.remedy.states = [AttemptState.UNKNOWN]
    await bench.runner.run("inc_1", await bench.lease())
    assert (await bench.incident()).outcome.startswith("action_unknown")
    assert "verify" not in await bench.path()


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        ({"autonomy": Autonomy.OBSERVE}, "observed"),
        ({"kill_switch": True}, "denied"),
        ({"target_resolved": False}, "denied"),
        ({"actions_last_hour": 3}, "denied"),
    ],
)
async def test_a_denied_plan_ends_at_a_human_with_the_rule(bench: Bench, facts: dict[str, object], ending: str) -> None:
    bench.remedy.facts = facts
    await bench.runner.run("inc_1", await bench.lease())
    assert (await bench.incident()).outcome.startswith(ending)
    assert bench.remedy.acted == []


async def test_what_recovered_before_the_guard_looked_is_resolved_without_an_action(bench: Bench) -> None:
    bench.remedy.facts = {"still_anomalous": False}
    await bench.runner.run("inc_1", await bench.lease())
    incident = await bench.incident()
    assert incident.status is IncidentStatus.RESOLVED
    assert incident.outcome.startswith("recovered_alone")
    assert bench.remedy.acted == []


async def test_only_the_cooldown_is_waited_for(bench: Bench) -> None:
    bench.remedy.facts = {"seconds_since_last_action": 5.0, "cooldown_seconds": 60.0}
    before = bench.clock.monotonic()
    await bench.runner.run("inc_1", await bench.lease())
    assert bench.clock.monotonic() - before >= 55.0


async def test_a_human_is_asked_once_and_a_yes_goes_on(bench: Bench) -> None:
    bench.remedy.facts = {"autonomy": Autonomy.PROPOSE}
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    lease = await bench.lease()
    assert await bench.runner.run("inc_1", lease) is RunResult.WAITING
    assert await bench.runner.run("inc_1", lease) is RunResult.WAITING
    assert (await bench.incident()).status is IncidentStatus.AWAITING_APPROVAL
    assert bench.notices.told == ["approval start leaf"]
    async with bench.store.write() as tx:
        [approval] = await tx.approvals.find()
        await tx.approvals.decide(approval.id, ApprovalState.APPROVED, "ann", "")
    assert await bench.runner.run("inc_1", lease) is RunResult.FINISHED
    assert bench.remedy.acted == ["start leaf"]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [(ApprovalState.REJECTED, "rejected: ann said no"), (ApprovalState.EXPIRED, "recovered_alone")],
)
async def test_a_no_and_an_expired_question_end_without_an_action(
    bench: Bench, state: ApprovalState, outcome: str
) -> None:
    bench.remedy.facts = {"autonomy": Autonomy.PROPOSE}
    lease = await bench.lease()
    await bench.runner.run("inc_1", lease)
    async with bench.store.write() as tx:
        [approval] = await tx.approvals.find()
        await tx.approvals.decide(approval.id, state, "ann", "")
    await bench.runner.run("inc_1", lease)
    assert (await bench.incident()).outcome.startswith(outcome)
    assert bench.remedy.acted == []


async def test_a_busy_service_is_asked_for_again(bench: Bench) -> None:
    bench.remedy.error = AlreadyReserved("another incident acts")
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    await bench.runner.run("inc_1", await bench.lease())
    assert bench.remedy.acted == ["start leaf"]


async def test_a_retryable_error_is_retried_by_the_node(bench: Bench) -> None:
    bench.remedy.error = StoreUnavailable("locked")
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    assert await bench.runner.run("inc_1", await bench.lease()) is RunResult.FINISHED
    assert (await bench.incident()).status is IncidentStatus.RESOLVED


async def test_an_error_that_no_retry_helps_hands_over(bench: Bench) -> None:
    bench.remedy.error = StateInvalid("broken")
    assert await bench.runner.run("inc_1", await bench.lease()) is RunResult.HANDED_OVER
    incident = await bench.incident()
    assert incident.status is IncidentStatus.ESCALATED
    assert "StateInvalid: broken" in incident.outcome


async def test_a_lost_lease_writes_nothing_more(bench: Bench) -> None:
    lease = await bench.lease(ttl_seconds=10)
    bench.clock.advance(11)
    await bench.lease()
    with pytest.raises(LeaseLost):
        await bench.runner.run("inc_1", lease)
    assert (await bench.incident()).status is IncidentStatus.OPEN
    assert await bench.path() == []


async def test_a_stop_is_honoured_between_two_nodes(bench: Bench) -> None:
    async with bench.store.write() as tx:
        await tx.incidents.update("inc_1", stop_requested=True)
    assert await bench.runner.run("inc_1", await bench.lease()) is RunResult.STOPPED
    assert (await bench.incident()).outcome.startswith("stopped")
    assert bench.remedy.acted == []


async def test_a_node_past_its_deadline_hands_over(bench: Bench) -> None:
    class Stuck:
        async def at(self, point: str, incident_id: str) -> None:
            if point == "recall:before":
                await asyncio.Event().wait()

    bench.hooks, bench.deadline_seconds = Stuck(), 0.2
    assert await bench.runner.run("inc_1", await bench.lease()) is RunResult.HANDED_OVER
    assert (await bench.incident()).outcome.startswith("timeout")


async def test_a_state_that_does_not_validate_goes_to_a_human(bench: Bench) -> None:
    bench.remedy.facts = {"autonomy": Autonomy.PROPOSE}
    lease = await bench.lease()
    await bench.runner.run("inc_1", lease)
    graph = bench.runner._graph
    await graph.aupdate_state({"configurable": {"thread_id": "inc_1"}}, {"round": "one"}, as_node="guard")
    assert await bench.runner.run("inc_1", lease) is RunResult.HANDED_OVER
    assert "StateInvalid" in (await bench.incident()).outcome


async def test_a_known_issue_goes_from_recall_to_plan(bench: Bench) -> None:
    class Memory:
        async def recall(self, service: str, symptoms: Sequence[str]) -> Sequence[Recollection]:
            memory = Recollection(
                id="kb-1", title="edge falls over", kind=FaultKind.HANG, action="restart", similarity=0.95, successes=5
            )
            return (memory,)

        async def draft(self, lesson: Lesson) -> str:
            return "kb-2"

    bench.knowledge = Memory()
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    await bench.runner.run("inc_1", await bench.lease())
    path = await bench.path()
    assert "diagnose" not in path
    assert bench.remedy.acted == ["restart edge"]


async def test_an_outage_of_a_source_is_on_the_timeline(bench: Bench) -> None:
    async def gone(query: object) -> object:
        raise SourceUnavailable("metrics are gone")

    bench.metrics.query = gone  # type: ignore[assignment, method-assign]  # the port fails as a dead server would
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    await bench.runner.run("inc_1", await bench.lease())
    async with bench.store.read() as tx:
        kinds = [entry.text for entry in await tx.timeline.of_incident("inc_1") if entry.kind == "outage"]
    assert kinds == ["stub: metrics are gone"]


async def test_a_young_incident_that_is_not_understood_is_looked_at_again(bench: Bench) -> None:
    bench.metrics.fault_at = bench.clock.now().timestamp() + 20
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    await bench.runner.run("inc_1", await bench.lease())
    assert (await bench.path()).count("gather") == 2
    incident = await bench.incident()
    assert incident.cause_service == "leaf"
    assert bench.remedy.acted == ["start leaf"]


async def test_what_stays_unclear_goes_to_a_human_after_a_few_looks(bench: Bench) -> None:
    bench.metrics.fault_at = bench.clock.now().timestamp() + 1e6
    await bench.runner.run("inc_1", await bench.lease())
    assert (await bench.path()).count("gather") == 3
    incident = await bench.incident()
    assert incident.status is IncidentStatus.ESCALATED
    assert bench.remedy.acted == []


async def test_an_old_alert_is_not_waited_for(bench: Bench) -> None:
    bench.metrics.fault_at = bench.clock.now().timestamp() + 1e6
    bench.clock.advance(3600)
    await bench.runner.run("inc_1", await bench.lease())
    assert (await bench.path()).count("gather") == 1


async def test_a_verdict_on_the_timeline_sets_the_reason_apart_from_its_rule(bench: Bench) -> None:
    bench.remedy.facts = {"autonomy": Autonomy.OBSERVE}
    await bench.runner.run("inc_1", await bench.lease())
    async with bench.store.read() as tx:
        said = [entry.text for entry in await tx.timeline.of_incident("inc_1") if entry.kind == "verdict"]
    assert all("deny by autonomy (" in text and text.endswith(")") for text in said)
    assert said
