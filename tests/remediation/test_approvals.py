"""Approvals: asked once, answered once, both on record."""

from __future__ import annotations

import pytest

from core.clock import ManualClock
from core.errors import Conflict, NotFound
from core.models import Approval, ApprovalState, Autonomy, Effect, GuardFacts, Proposal
from remediation import approvals
from remediation.guardrails import judge
from stores.store import Store
from tests.stores.samples import incident, proposal

RESTART = proposal()


@pytest.fixture
async def opened(store: Store) -> Store:
    """A store that knows the incident."""
    async with store.write() as tx:
        await tx.incidents.add(incident())
    return store


async def ask(store: Store, clock: ManualClock, what: Proposal = RESTART) -> Approval:
    verdict = judge(
        what,
        GuardFacts(
            at=clock.now(), autonomy=Autonomy.PROPOSE, protected=False, target_resolved=True, policy_effect=Effect.ALLOW
        ),
    )
    async with store.write() as tx:
        return await approvals.request(tx, incident(), what, verdict, clock.now())


async def audit(store: Store) -> list[tuple[str, str]]:
    async with store.read() as tx:
        return [(entry.actor, entry.action) for entry in await tx.audit.entries()]


async def test_a_question_is_asked_once_however_often_the_node_runs(opened: Store, clock: ManualClock) -> None:
    first = await ask(opened, clock)
    clock.advance(60)
    assert await ask(opened, clock) == first
    assert first.state is ApprovalState.PENDING
    assert [reason.rule for reason in first.reasons] == ["autonomy", "policy"]
    assert await audit(opened) == [("quell", "approval.requested")]


@pytest.mark.parametrize(("approved", "state"), [(True, ApprovalState.APPROVED), (False, ApprovalState.REJECTED)])
@pytest.mark.parametrize("by_incident", [True, False])
async def test_an_answer_by_approval_or_by_incident(
    opened: Store, clock: ManualClock, approved: bool, state: ApprovalState, by_incident: bool
) -> None:
    asked = await ask(opened, clock)
    answer = await approvals.decide(opened, "inc_1" if by_incident else asked.id, approved, "ann", "go on")
    assert (answer.id, answer.state, answer.decided_by, answer.note) == (asked.id, state, "ann", "go on")
    assert await audit(opened) == [("quell", "approval.requested"), ("ann", f"approval.{state}")]
    assert (await ask(opened, clock)).state is state


async def test_the_first_answer_stands(opened: Store, clock: ManualClock) -> None:
    asked = await ask(opened, clock)
    await approvals.decide(opened, asked.id, False, "ann")
    with pytest.raises(Conflict):
        await approvals.decide(opened, asked.id, True, "bob")
    assert len(await audit(opened)) == 2


async def test_nothing_to_answer(opened: Store) -> None:
    for identity in ("inc_1", "inc_9", "appr_9"):
        with pytest.raises(NotFound):
            await approvals.decide(opened, identity, True, "ann")


async def test_several_pending_questions_need_the_id(opened: Store, clock: ManualClock) -> None:
    first, second = await ask(opened, clock), await ask(opened, clock, proposal(action="rollback"))
    with pytest.raises(Conflict) as caught:
        await approvals.decide(opened, "inc_1", True, "ann")
    assert first.id in caught.value.message
    assert second.id in caught.value.message
