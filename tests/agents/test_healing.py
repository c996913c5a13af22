"""Which action against which fault; never twice, never on the innocent, never what is not offered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.healing import MIN_CONFIDENCE, SPEC, plan
from agents.models import HealingInput, Plan
from core.models import (
    ActionOption,
    Diagnosis,
    EscalationReason,
    FaultKind,
    Hypothesis,
    Risk,
    RunState,
    Service,
    ServiceKind,
    ServiceState,
    Signal,
)
from core.models.faults import REMEDY_OF
from core.ports import Recollection

OPTIONS = (
    ActionOption(name="restart", description="", risk=Risk.LOW),
    ActionOption(name="start", description="", risk=Risk.LOW, undo="stop"),
    ActionOption(name="stop", description="", risk=Risk.HIGH, undo="start"),
    ActionOption(name="rollback", description="", risk=Risk.MEDIUM, undo="rollback"),
)
SERVICES = (Service(name="gateway"), Service(name="orders"))


def state(run_state: RunState, **fields: str) -> ServiceState:
    return ServiceState(service="orders", at=datetime(2026, 3, 3, tzinfo=UTC), state=run_state, **fields)


def given_of(
    kind: FaultKind, *states: ServiceState, service: str = "orders", probability: float = 0.9, **fields: object
) -> HealingInput:
    cause = Hypothesis(service=service, kind=kind, statement="why", probability=probability, evidence_for=("ev-1",))
    other = Hypothesis(service="gateway", kind=FaultKind.CRASH, statement="less", probability=0.05)
    diagnosis = Diagnosis(hypotheses=(cause, other), confidence=probability)
    basis = HealingInput(diagnosis=diagnosis, symptom="gateway", services=SERVICES, states=states, options=OPTIONS)
    return basis.model_copy(update=fields)


async def actions(given: HealingInput) -> list[str]:
    return [proposal.action for proposal in (await plan(given)).result.proposals]


@pytest.mark.parametrize(
    ("kind", "run_state", "expected"),
    [
        (FaultKind.CRASH, RunState.EXITED, ["start", "restart"]),
        (FaultKind.CRASH, RunState.MISSING, ["start", "restart"]),
        (FaultKind.CRASH, RunState.STOPPED, []),
        (FaultKind.CRASH, None, ["restart", "start"]),
        (FaultKind.HANG, RunState.SUSPENDED, ["restart"]),
        (FaultKind.CPU_SATURATION, RunState.RUNNING, ["restart"]),
        (FaultKind.MEMORY_LEAK, RunState.RUNNING, ["restart"]),
        (FaultKind.MEMORY_LEAK, None, ["restart"]),
        (FaultKind.POOL_EXHAUSTED, RunState.RUNNING, ["restart"]),
        (FaultKind.CRASH_LOOP, RunState.EXITED, []),
        (FaultKind.DISK_FULL, RunState.RUNNING, []),
        (FaultKind.CERTIFICATE, RunState.RUNNING, []),
        (FaultKind.DNS, RunState.RUNNING, []),
        (FaultKind.BAD_RELEASE, RunState.RUNNING, ["rollback"]),
        (FaultKind.INCOMPLETE_RELEASE, RunState.RUNNING, ["rollback"]),
        (FaultKind.BAD_CONFIG, RunState.RUNNING, []),
        (FaultKind.BAD_DATA, RunState.RUNNING, []),
        (FaultKind.NOISY_NEIGHBOUR, RunState.RUNNING, []),
        (FaultKind.DEPENDENCY_DOWN, RunState.RUNNING, []),
        (FaultKind.DEPENDENCY_SLOW, RunState.RUNNING, []),
        (FaultKind.TRAFFIC_SURGE, RunState.RUNNING, []),
        (FaultKind.UNKNOWN, RunState.RUNNING, []),
    ],
)
async def test_the_table_of_remedies(kind: FaultKind, run_state: RunState | None, expected: list[str]) -> None:
    states = () if run_state is None else (state(run_state),)
    assert await actions(given_of(kind, *states)) == expected


async def test_a_crash_loop_goes_back_to_the_release_before_where_there_is_one() -> None:
    looping = state(RunState.EXITED, release="v2", previous_release="v1")
    (proposal,) = (await plan(given_of(FaultKind.CRASH_LOOP, looping))).result.proposals
    assert (proposal.action, proposal.parameters) == ("rollback", {"release": "v1"})


async def test_a_leak_is_over_when_the_memory_is_back() -> None:
    (proposal,) = (await plan(given_of(FaultKind.MEMORY_LEAK, state(RunState.RUNNING)))).result.proposals
    assert (proposal.success_checks[0].service, proposal.success_checks[0].signal) == ("orders", Signal.MEMORY)


@pytest.mark.parametrize("kind", list(FaultKind))
async def test_nobody_but_the_first_suspect_is_touched(kind: FaultKind) -> None:
    result = (await plan(given_of(kind))).result
    assert {proposal.service for proposal in result.proposals} <= {"orders"}
    if kind is FaultKind.BAD_RELEASE:
        assert "restart" not in {proposal.action for proposal in result.proposals}


async def test_a_proposal_carries_what_a_guard_and_a_verifier_need() -> None:
    given = given_of(FaultKind.BAD_RELEASE, state(RunState.RUNNING, release="v2", previous_release="v1"))
    (proposal,) = (await plan(given)).result.proposals
    assert (proposal.service, proposal.parameters) == ("orders", {"release": "v1"})
    assert (proposal.confidence, proposal.evidence, proposal.hypothesis) == (0.9, ("ev-1",), "why")
    assert (proposal.risk, proposal.undo) == (Risk.MEDIUM, "rollback")
    assert [(check.service, check.signal) for check in proposal.success_checks] == [
        ("orders", Signal.ERRORS),
        ("gateway", Signal.ERRORS),
        ("gateway", Signal.LATENCY),
        ("gateway", Signal.UP),
    ]


@pytest.mark.parametrize(
    ("kind", "signal"),
    [(FaultKind.CRASH, Signal.UP), (FaultKind.HANG, Signal.UP), (FaultKind.CPU_SATURATION, Signal.CPU)],
)
async def test_the_cause_itself_must_recover_too(kind: FaultKind, signal: Signal) -> None:
    checks = (await plan(given_of(kind))).result.proposals[0].success_checks
    assert (checks[0].service, checks[0].signal) == ("orders", signal)


async def test_where_the_symptom_is_the_cause_nothing_is_checked_twice() -> None:
    checks = (await plan(given_of(FaultKind.CRASH, service="gateway"))).result.proposals[0].success_checks
    assert [check.signal for check in checks] == [Signal.UP, Signal.ERRORS, Signal.LATENCY]


async def test_what_was_tried_is_never_proposed_again() -> None:
    given = given_of(FaultKind.CRASH, state(RunState.EXITED))
    tried: list[str] = []
    for expected in (["start", "restart"], ["restart"], []):
        answer = await plan(given.model_copy(update={"tried": tuple(tried)}))
        assert [proposal.action for proposal in answer.result.proposals] == expected
        tried += [proposal.hash for proposal in answer.result.proposals[:1]]
    assert "all that could help was tried" in answer.result.reason
    assert SPEC.concern(answer.result) is EscalationReason.ABSTAINED


async def test_what_helped_before_goes_first() -> None:
    memory = Recollection(id="k1", title="", kind=FaultKind.CRASH, action="restart", similarity=0.9, successes=2)
    given = given_of(FaultKind.CRASH, state(RunState.EXITED), recollections=(memory,))
    assert await actions(given) == ["restart", "start"]
    failed = memory.model_copy(update={"successes": 0, "failures": 1})
    assert await actions(given.model_copy(update={"recollections": (failed,)})) == ["start", "restart"]


async def test_a_memory_cannot_smuggle_an_action_in() -> None:
    memory = Recollection(id="k1", title="", kind=FaultKind.BAD_RELEASE, action="restart", similarity=1, successes=99)
    assert await actions(given_of(FaultKind.BAD_RELEASE, recollections=(memory,))) == ["rollback"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (given_of(FaultKind.CRASH, probability=MIN_CONFIDENCE - 0.01), "too uncertain"),
        (given_of(FaultKind.CRASH, service="mail"), "not in the inventory"),
        (given_of(FaultKind.CRASH, state(RunState.STOPPED)), "stopped on purpose"),
        (given_of(FaultKind.CRASH, options=()), "no action is known"),
        (given_of(FaultKind.CRASH, diagnosis=Diagnosis(confidence=0, abstained="no data")), "no data"),
    ],
)
async def test_a_plan_without_proposals_says_why_and_goes_to_a_human(given: HealingInput, reason: str) -> None:
    result = (await plan(given)).result
    assert result.proposals == ()
    assert reason in result.reason
    assert SPEC.concern(result) is EscalationReason.ABSTAINED


async def test_a_false_alarm_needs_neither_action_nor_human() -> None:
    answer = await plan(given_of(FaultKind.FALSE_ALARM))
    assert answer.result == Plan(reason="nothing is broken", settled=True)
    assert SPEC.concern(answer.result) is None
    assert answer.confidence == 0.9


@given(
    kind=st.sampled_from(FaultKind),
    service=st.sampled_from(["gateway", "orders", "mail", ""]),
    offered=st.sets(st.sampled_from([option.name for option in OPTIONS])),
    probability=st.floats(0, 1),
    run_state=st.none() | st.sampled_from(RunState),
)
async def test_only_names_of_the_inventory_and_options_that_were_given(
    kind: FaultKind, service: str, offered: set[str], probability: float, run_state: RunState | None
) -> None:
    options = tuple(option for option in OPTIONS if option.name in offered)
    states = () if run_state is None else (state(run_state),)
    result = (await plan(given_of(kind, *states, service=service, probability=probability, options=options))).result
    for proposal in result.proposals:
        assert proposal.action in offered
        assert proposal.service == service in {known.name for known in SERVICES}
        assert probability >= MIN_CONFIDENCE


SCALE = ActionOption(name="scale", description="", risk=Risk.MEDIUM, undo="scale")


def surge(kind: ServiceKind = ServiceKind.STATELESS, replicas: int | None = 2) -> HealingInput:
    """More traffic than orders can serve."""
    states = () if replicas is None else (state(RunState.RUNNING).model_copy(update={"replicas": replicas}),)
    services = (Service(name="gateway"), Service(name="orders", kind=kind))
    return given_of(FaultKind.TRAFFIC_SURGE, *states, services=services, options=(*OPTIONS, SCALE))


@pytest.mark.parametrize(("replicas", "wanted"), [(1, "2"), (2, "4"), (15, "20")])
async def test_a_surge_is_met_with_twice_the_replicas_up_to_a_bound(replicas: int, wanted: str) -> None:
    (proposal,) = (await plan(surge(replicas=replicas))).result.proposals
    assert (proposal.action, proposal.parameters) == ("scale", {"replicas": wanted})
    assert proposal.success_checks


@pytest.mark.parametrize(
    "given",
    [surge(ServiceKind.DATABASE), surge(replicas=None), surge(replicas=0), surge(replicas=20)],
    ids=["keeps data", "unknown", "stopped", "enough"],
)
async def test_nothing_is_scaled_that_cannot_be_or_of_which_nobody_knows_how_many_run(given: HealingInput) -> None:
    assert await actions(given) == []


@pytest.mark.parametrize("kind", list(FaultKind))
async def test_what_ends_a_fault_is_named_even_where_quell_cannot_do_it(kind: FaultKind) -> None:
    result = (await plan(given_of(kind))).result
    assert result.remedy is REMEDY_OF.get(kind)


async def test_no_cause_has_no_remedy() -> None:
    nothing = given_of(FaultKind.CRASH).model_copy(update={"diagnosis": Diagnosis(confidence=0, abstained="calm")})
    assert (await plan(nothing)).result.remedy is None
