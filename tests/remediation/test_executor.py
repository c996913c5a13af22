"""The executor: once, whatever crashes when; everything on record before anything is touched."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.errors import ActuatorError, AlreadyReserved, InvalidInput, LeaseLost, SourceRejected, SourceUnavailable
from core.hooks import NoHooks
from core.models import Attempt, AttemptState, Incident, Proposal
from remediation.executor import Executor
from remediation.facts import KILL_SWITCH
from stores.leases import Lease
from stores.store import Store
from tests.remediation.actor import CountingActuator, Crash, CrashAt
from tests.stores.samples import incident as sample_incident
from tests.stores.samples import proposal as sample_proposal
from tests.tools.world import SHOP, Logs, Metrics
from tools.sources import Sources

POINTS = ("act:reserved", "act:running", "act:ran", "act:recorded")
ENDED = {AttemptState.DONE, AttemptState.FAILED, AttemptState.UNKNOWN}
RESTART = sample_proposal()


@dataclass
class Bench:
    """An executor over a real store, with an incident under lease."""

    store: Store
    clock: ManualClock
    actuator: CountingActuator
    incident: Incident
    lease: Lease

    def executor(self, hooks: CrashAt | None = None, *, dry_run: bool = False) -> Executor:
        sources = Sources(Metrics(), Logs(), (self.actuator,))
        return Executor(self.store, sources, SHOP, self.clock, hooks or NoHooks(), dry_run=dry_run)

    async def attempts(self) -> list[Attempt]:
        async with self.store.read() as tx:
            return await tx.attempts.of_incident(self.incident.id)

    async def audit(self) -> list[str]:
        async with self.store.read() as tx:
            return [entry.action for entry in await tx.audit.entries(incident=self.incident.id)]


async def open_bench(store: Store, clock: ManualClock, identity: str = "inc_1") -> Bench:
    incident = sample_incident(identity)
    async with store.write() as tx:
        await tx.incidents.add(incident)
        lease = await tx.leases.acquire(incident.id, "tester", ttl_seconds=3600)
    assert lease is not None
    return Bench(store, clock, CountingActuator(), incident, lease)


@pytest.fixture
async def bench(store: Store, clock: ManualClock) -> Bench:
    return await open_bench(store, clock)


async def test_an_action_is_done_once_and_recorded(bench: Bench) -> None:
    hooks = CrashAt()
    attempt = await bench.executor(hooks).execute(bench.incident, RESTART, bench.lease)
    assert attempt.state is AttemptState.DONE
    assert attempt.outcome is not None
    assert attempt.outcome.detail == "done"
    assert attempt.started_at == attempt.ended_at == bench.clock.now()
    assert bench.actuator.effects == [("restart", "payment")]
    assert bench.actuator.keys == [attempt.id]
    assert hooks.passed == list(POINTS)
    assert await bench.attempts() == [attempt]
    assert await bench.audit() == ["action.reserved", "action.done"]


async def test_the_same_proposal_again_is_not_done_again(bench: Bench) -> None:
    first = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    again = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert again == first
    assert len(bench.actuator.effects) == 1
    assert await bench.audit() == ["action.reserved", "action.done"]


async def test_reservation_and_audit_stand_before_the_actuator_is_touched(bench: Bench) -> None:
    with pytest.raises(Crash):
        await bench.executor(CrashAt("act:reserved")).execute(bench.incident, RESTART, bench.lease)
    assert bench.actuator.effects == []
    assert [attempt.state for attempt in await bench.attempts()] == [AttemptState.RESERVED]
    assert await bench.audit() == ["action.reserved"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("sees", [True, False])
async def test_a_crash_between_two_steps_never_doubles_the_action(bench: Bench, point: str, sees: bool) -> None:
    bench.actuator.sees = sees
    with pytest.raises(Crash):
        await bench.executor(CrashAt(point)).execute(bench.incident, RESTART, bench.lease)
    (left,) = await bench.attempts()
    attempt = await bench.executor().reconcile(left, bench.lease)
    blind = point in {"act:running", "act:ran"} and not sees
    assert attempt.state is (AttemptState.UNKNOWN if blind else AttemptState.DONE)
    assert len(bench.actuator.effects) == (0 if blind and point == "act:running" else 1)
    assert await bench.attempts() == [attempt]


crashes = st.sampled_from([*POINTS, "before", "after"])


@given(st.lists(crashes, max_size=4), st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_row_of_crashes_ends_with_the_action_done_at_most_once(
    store: Store, clock: ManualClock, row: list[str], sees: bool
) -> None:
    async with store.read() as tx:
        number = len(await tx.incidents.find(limit=1000))
    bench = await open_bench(store, clock, f"inc_{number}")
    bench.actuator.sees = sees
    for where in row:
        bench.actuator.before = Crash() if where == "before" else None
        bench.actuator.after = Crash() if where == "after" else None
        try:
            await bench.executor(CrashAt(where)).execute(bench.incident, RESTART, bench.lease)
        except Crash:
            continue
    bench.actuator.before = bench.actuator.after = None
    attempt = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert attempt.state in ENDED
    assert len(bench.actuator.effects) <= 1
    if attempt.state is AttemptState.DONE:
        assert len(bench.actuator.effects) == 1
    assert sees is False or attempt.state is AttemptState.DONE


@pytest.mark.parametrize("error", [ActuatorError("no such release", fix="deploy it"), SourceRejected("no", fix="f")])
async def test_an_action_that_is_refused_has_failed(bench: Bench, error: Exception) -> None:
    bench.actuator.before = error
    attempt = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert attempt.state is AttemptState.FAILED
    assert attempt.outcome is not None
    assert attempt.outcome.detail == str(error)
    assert await bench.audit() == ["action.reserved", "action.failed"]


async def test_an_action_whose_outcome_is_bad_has_failed(bench: Bench) -> None:
    bench.actuator.ok = False
    attempt = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert attempt.state is AttemptState.FAILED


@pytest.mark.parametrize(
    ("happened", "sees", "state"),
    [
        (True, True, AttemptState.DONE),
        (False, True, AttemptState.FAILED),
        (True, False, AttemptState.UNKNOWN),
        (False, False, AttemptState.UNKNOWN),
    ],
)
async def test_a_lost_answer_is_settled_by_looking(
    bench: Bench, happened: bool, sees: bool, state: AttemptState
) -> None:
    bench.actuator.sees = sees
    lost = SourceUnavailable("timed out", fix="wait")
    bench.actuator.after, bench.actuator.before = (lost, None) if happened else (None, lost)
    attempt = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert attempt.state is state
    assert len(bench.actuator.effects) == int(happened)


async def test_a_runtime_that_cannot_even_be_looked_at_leaves_it_unknown(bench: Bench) -> None:
    with pytest.raises(Crash):
        await bench.executor(CrashAt("act:ran")).execute(bench.incident, RESTART, bench.lease)
    bench.actuator.blind = SourceUnavailable("refused", fix="start the supervisor")
    attempt = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert attempt.state is AttemptState.UNKNOWN
    assert len(bench.actuator.effects) == 1


async def test_an_action_that_is_still_under_way_is_waited_for(bench: Bench) -> None:
    bench.actuator.after, bench.actuator.under_way = SourceUnavailable("timed out", fix="wait"), 5
    began = bench.clock.monotonic()
    attempt = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert attempt.state is AttemptState.DONE
    assert len(bench.actuator.effects) == 1
    assert bench.clock.monotonic() - began == 5


async def test_a_dry_run_runs_nothing_and_says_so(bench: Bench) -> None:
    attempt = await bench.executor(dry_run=True).execute(bench.incident, RESTART, bench.lease)
    assert bench.actuator.effects == []
    assert attempt.dry_run
    assert attempt.state is AttemptState.DONE
    assert attempt.outcome is not None
    assert attempt.outcome.detail == "dry run: restart of payment was not run"
    assert await bench.audit() == ["action.reserved", "action.done"]


async def test_the_kill_switch_stops_what_is_already_reserved(bench: Bench) -> None:
    async with bench.store.write() as tx:
        await tx.flags.set(KILL_SWITCH, "on")
    attempt = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert attempt.state is AttemptState.FAILED
    assert bench.actuator.effects == []
    assert attempt.outcome is not None
    assert "kill switch" in attempt.outcome.detail


async def test_one_action_a_service_at_a_time(bench: Bench) -> None:
    with pytest.raises(Crash):
        await bench.executor(CrashAt("act:running")).execute(bench.incident, RESTART, bench.lease)
    other = await open_bench(bench.store, bench.clock, "inc_2")
    with pytest.raises(AlreadyReserved):
        await other.executor().execute(other.incident, RESTART, other.lease)
    assert other.actuator.effects == []
    assert await other.audit() == []


async def test_without_the_lease_nothing_is_done(bench: Bench) -> None:
    bench.clock.advance(3601)
    async with bench.store.write() as tx:
        assert await tx.leases.acquire(bench.incident.id, "other", ttl_seconds=60)
    with pytest.raises(LeaseLost):
        await bench.executor().execute(bench.incident, RESTART, bench.lease)
    assert await bench.attempts() == []
    assert bench.actuator.effects == []


async def test_a_lease_lost_during_the_action_leaves_the_record_to_the_successor(bench: Bench) -> None:
    class Slow(CrashAt):
        async def at(self, point: str, incident_id: str) -> None:
            if point == "act:ran":
                bench.clock.advance(3601)

    with pytest.raises(LeaseLost):
        await bench.executor(Slow()).execute(bench.incident, RESTART, bench.lease)
    async with bench.store.write() as tx:
        successor = await tx.leases.acquire(bench.incident.id, "other", ttl_seconds=60)
    assert successor is not None
    attempt = await bench.executor().execute(bench.incident, RESTART, successor)
    assert attempt.state is AttemptState.DONE
    assert len(bench.actuator.effects) == 1


@pytest.mark.parametrize("wrong", [{"action": "format"}, {"service": "nobody"}, {"parameters": {"force": "yes"}}])
async def test_a_proposal_outside_registry_or_inventory_reserves_nothing(
    bench: Bench, wrong: dict[str, object]
) -> None:
    proposal = Proposal.model_validate({**RESTART.model_dump(), **wrong})
    with pytest.raises(InvalidInput):
        await bench.executor().execute(bench.incident, proposal, bench.lease)
    assert await bench.attempts() == []


async def test_an_undo_is_an_attempt_of_its_own_and_audited(bench: Bench) -> None:
    first = await bench.executor().execute(bench.incident, RESTART, bench.lease)
    undo = await bench.executor().execute(bench.incident, RESTART, bench.lease, undo_of=first.id)
    assert undo.undo_of == first.id
    assert undo.id != first.id
    assert len(bench.actuator.effects) == 2
    assert await bench.audit() == ["action.reserved", "action.done"] * 2
