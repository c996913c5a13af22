"""Following an incident through the real API, over a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from app.operations.context import Context
from app.operations.remote import Remote
from app.server.api import create_api
from app.settings import Settings
from core.models import (
    ActionOutcome,
    AttemptState,
    Autonomy,
    Decision,
    Diagnosis,
    Digest,
    Effect,
    Evidence,
    EvidenceKind,
    FaultKind,
    GuardFacts,
    GuardReason,
    Hypothesis,
    IncidentStatus,
    Recovery,
    Rung,
    Verdict,
    Verification,
    Window,
)
from drills.follow import Follower
from drills.moments import Phase
from drills.scenario import Approver
from stores.migrate import upgrade
from stores.store import Store
from tests.stores import samples
from tools.inventory import Inventory

TOKEN = "t" * 32


@dataclass
class Stage:
    """An API with a follower's ears."""

    store: Store
    remote: Remote
    told: list[tuple[Phase, str, tuple[str, ...]]] = field(default_factory=list)

    def follower(self, approver: Approver = Approver.NONE, known: frozenset[str] = frozenset()) -> Follower:
        """One that writes down what it is told."""
        return Follower(self.remote, approver, known, lambda *moment: self.told.append(moment))

    @property
    def phases(self) -> list[Phase]:
        """What was told, in order."""
        return [phase for phase, _, _ in self.told]


@pytest.fixture
async def stage(tmp_path, clock) -> AsyncIterator[Stage]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'quell.db'}"
    await upgrade(url)
    store = await Store.open(url, clock)

    async def never(_: object) -> None:
        raise AssertionError("a follower investigates nothing by itself")

    api = create_api(Context(Settings(), store, clock, Inventory(())), token=TOKEN, investigate=never)
    async with Remote("http://quell", TOKEN, transport=httpx.ASGITransport(api)) as remote:
        yield Stage(store, remote)
    await store.close()


def decision(agent: str, result: Diagnosis | Verdict) -> Decision:
    """An answer of an agent on record."""
    return Decision(
        id=f"dec_{agent}",
        incident_id="inc_1",
        agent=agent,
        agent_version="1",
        rung=Rung.RULES,
        result=result.model_dump_json(),
        confidence=0.9,
        at=samples.NOON,
    )


def evidence(key: str) -> Evidence:
    """A piece of evidence with one line."""
    return Evidence(
        id=key,
        incident_id="inc_1",
        kind=EvidenceKind.STATE,
        tool="service_state",
        source="process",
        query="{}",
        window=Window(start=samples.NOON, end=samples.NOON),
        subject="payment",
        digest=Digest(summary="payment is suspended"),
    )


DIAGNOSIS = Diagnosis(
    hypotheses=(
        Hypothesis(
            service="payment",
            kind=FaultKind.HANG,
            statement="payment is suspended.",
            probability=0.93,
            evidence_for=("ev_1", "ev_gone"),
        ),
    ),
    confidence=0.93,
)
VERDICT = Verdict(
    proposal_hash="prop_1",
    effect=Effect.ALLOW,
    reasons=(GuardReason(rule="policy", effect=Effect.ALLOW, detail="stateless-repair"),),
    facts=GuardFacts(
        at=samples.NOON,
        autonomy=Autonomy.ACT,
        protected=False,
        target_resolved=True,
        policy_effect=Effect.ALLOW,
    ),
)


async def test_nothing_is_told_while_nothing_happens(stage):
    follower = stage.follower()
    await follower.look()
    assert (follower.detail, follower.diagnosis, follower.acted, follower.ended) == (None, None, False, False)
    assert stage.told == []


async def test_each_step_of_an_incident_is_told_once_and_in_order(stage):
    follower = stage.follower()
    async with stage.store.write() as tx:
        await tx.incidents.add(samples.incident())
    await follower.look()
    async with stage.store.write() as tx:
        await tx.evidence.add(evidence("ev_1"))
        await tx.decisions.add(decision("rca", DIAGNOSIS))
        await tx.decisions.add(decision("guard", VERDICT))
    await follower.look()
    assert follower.diagnosis == DIAGNOSIS
    assert not follower.acted
    outcome = ActionOutcome(ok=True, detail="a new process answers")
    verification = Verification(recovery=Recovery.RECOVERED, seconds=3.0, detail="errors are back to normal")
    async with stage.store.write() as tx:
        await tx.attempts.reserve(samples.attempt())
        await tx.attempts.update("att_1", state=AttemptState.DONE, outcome=outcome, verification=verification)
        await tx.incidents.update("inc_1", status=IncidentStatus.RESOLVED, outcome="recovered")
    await follower.look()
    await follower.look()
    assert follower.acted
    assert follower.ended
    assert stage.told == [
        (Phase.NOTICED, "inc_1: gateway fails", ()),
        (
            Phase.DIAGNOSIS,
            "payment: hang (93%). payment is suspended.",
            ("ev_1: payment is suspended",),
        ),
        (Phase.VERDICT, "allow by policy", ("policy: allow stateless-repair",)),
        (Phase.ACTION, "restart payment: done, a new process answers", ()),
        (Phase.VERIFICATION, "recovered after restart payment: errors are back to normal", ()),
        (Phase.ENDED, "resolved: recovered", ()),
    ]


async def test_incidents_from_before_the_fault_are_left_alone(stage):
    async with stage.store.write() as tx:
        await tx.incidents.add(samples.incident("inc_old"))
    follower = stage.follower(known=frozenset({"inc_old"}))
    await follower.look()
    assert follower.detail is None


async def test_an_abstention_is_told_with_its_reason(stage):
    async with stage.store.write() as tx:
        await tx.incidents.add(samples.incident())
        await tx.decisions.add(decision("rca", Diagnosis(confidence=0.0, abstained="nothing stands out")))
    await stage.follower().look()
    assert stage.told[-1] == (Phase.DIAGNOSIS, "no cause named: nothing stands out", ())


@pytest.mark.parametrize("approver", [Approver.APPROVE, Approver.REJECT])
async def test_the_scenarios_human_answers_what_quell_asks(stage, approver):
    async with stage.store.write() as tx:
        await tx.incidents.add(samples.incident(status=IncidentStatus.AWAITING_APPROVAL))
        await tx.approvals.request(samples.approval("appr_1"))
    follower = stage.follower(approver)
    await follower.look()
    await follower.look()
    assert not follower.ended
    assert stage.told[1:] == [(Phase.APPROVAL, f"{approver} restart payment", ())]
    async with stage.store.read() as tx:
        (answered,) = await tx.approvals.find(incident="inc_1")
    assert answered.state == ("approved" if approver is Approver.APPROVE else "rejected")
    assert answered.decided_by == "drill"


async def test_without_a_human_a_question_is_the_end(stage):
    async with stage.store.write() as tx:
        await tx.incidents.add(samples.incident(status=IncidentStatus.AWAITING_APPROVAL))
        await tx.approvals.request(samples.approval("appr_1"))
    follower = stage.follower()
    await follower.look()
    assert follower.ended
    assert stage.phases == [Phase.NOTICED, Phase.ENDED]
