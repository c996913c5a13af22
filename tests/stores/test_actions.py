"""Attempts are reserved once and one at a time for each service; approvals are asked and answered once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import AlreadyReserved, Conflict, NotFound
from core.models import ActionOutcome, ApprovalState, AttemptState, Recovery, Verification
from stores.store import Store
from tests.stores.samples import NOON, approval, attempt, incident, proposal

ENDED = [AttemptState.DONE, AttemptState.FAILED, AttemptState.UNKNOWN]


@pytest.fixture
async def store(store: Store) -> Store:
    """A store with two incidents."""
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_1"))
        await tx.incidents.add(incident("inc_2"))
    return store


async def test_the_same_reservation_is_made_once(store: Store) -> None:
    async with store.write() as tx:
        first = await tx.attempts.reserve(attempt("att_1"))
        await tx.attempts.update("att_1", state=AttemptState.RUNNING)
        again = await tx.attempts.reserve(attempt("att_2"))
        assert first == attempt("att_1")
        assert again == attempt("att_1", state=AttemptState.RUNNING)
        assert await tx.attempts.of_incident("inc_1") == [again]


@pytest.mark.parametrize("state", [AttemptState.RESERVED, AttemptState.RUNNING])
async def test_a_service_is_acted_on_by_one_attempt_at_a_time(store: Store, state: AttemptState) -> None:
    async with store.write() as tx:
        await tx.attempts.reserve(attempt(state=state))
        with pytest.raises(AlreadyReserved, match="payment"):
            await tx.attempts.reserve(attempt("att_2", incident_id="inc_2"))
        elsewhere = attempt("att_3", of=proposal("cart"), incident_id="inc_2")
        assert await tx.attempts.reserve(elsewhere) == elsewhere


@pytest.mark.parametrize("state", ENDED)
async def test_an_ended_attempt_frees_its_service(store: Store, state: AttemptState) -> None:
    async with store.write() as tx:
        await tx.attempts.reserve(attempt())
        await tx.attempts.update("att_1", state=state)
        undo = attempt("att_2", undo_of="att_1")
        assert await tx.attempts.reserve(undo) == undo


async def test_the_database_itself_refuses_a_second_unfinished_attempt(store: Store) -> None:
    async with store.write() as tx:
        await tx.attempts.reserve(attempt(state=AttemptState.DONE))
        await tx.attempts.reserve(attempt("att_2", incident_id="inc_2"))
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await tx.attempts.update("att_1", state=AttemptState.RUNNING)


async def test_an_attempt_keeps_what_became_of_it(store: Store) -> None:
    ended: dict[str, Any] = {
        "state": AttemptState.DONE,
        "ended_at": NOON + timedelta(seconds=3),
        "outcome": ActionOutcome(ok=True, detail="restarted", before="pid 1", after="pid 2"),
        "verification": Verification(recovery=Recovery.RECOVERED, seconds=9.5, detail="errors are gone"),
    }
    async with store.write() as tx:
        await tx.attempts.reserve(attempt())
        await tx.attempts.update("att_1", **ended)
        assert await tx.attempts.get("att_1") == attempt(**ended)
        with pytest.raises(NotFound, match="no attempt att_2"):
            await tx.attempts.get("att_2")


async def test_attempts_are_found_by_service_time_and_state(store: Store) -> None:
    async with store.write() as tx:
        for number, service in enumerate(["payment", "cart", "orders"]):
            at = NOON + timedelta(minutes=number)
            await tx.attempts.reserve(attempt(f"att_{number}", of=proposal(service), reserved_at=at))
        await tx.attempts.update("att_0", state=AttemptState.FAILED)
        late = attempt("att_3", incident_id="inc_2", reserved_at=NOON + timedelta(minutes=3))
        await tx.attempts.reserve(late)

        assert [each.id for each in await tx.attempts.of_service("payment", NOON)] == ["att_3", "att_0"]
        assert await tx.attempts.of_service("payment", NOON + timedelta(seconds=1)) == [late]
        assert [each.id for each in await tx.attempts.unfinished()] == ["att_1", "att_2", "att_3"]
        assert [each.id for each in await tx.attempts.find(limit=2)] == ["att_3", "att_2"]
        assert await tx.attempts.find(incident="inc_2") == [late]
        assert [each.id for each in await tx.attempts.find(incident="inc_1", service="cart")] == ["att_1"]


async def test_a_question_is_asked_once_for_each_incident_and_proposal(store: Store) -> None:
    async with store.write() as tx:
        assert await tx.approvals.for_proposal("inc_1", proposal().hash) is None
        asked = await tx.approvals.request(approval("app_1"))
        assert await tx.approvals.request(approval("app_2")) == asked == approval("app_1")
        other = await tx.approvals.request(approval("app_3", incident_id="inc_2"))
        assert await tx.approvals.for_proposal("inc_1", proposal().hash) == asked
        assert await tx.approvals.find() == [other, asked]
        assert await tx.approvals.find(incident="inc_1") == [asked]


async def test_the_first_answer_stands(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        await tx.approvals.request(approval())
        clock.advance(30)
        answer = await tx.approvals.decide("app_1", ApprovalState.APPROVED, "ada", "go on")
        assert answer == approval(
            state=ApprovalState.APPROVED, decided_by="ada", note="go on", decided_at=NOON + timedelta(seconds=30)
        )
        with pytest.raises(Conflict, match=r"already approved \(by ada\)"):
            await tx.approvals.decide("app_1", ApprovalState.REJECTED, "bob", "no")
        assert await tx.approvals.get("app_1") == answer
        assert await tx.approvals.find(state=ApprovalState.PENDING) == []
        with pytest.raises(NotFound, match="no approval app_2"):
            await tx.approvals.decide("app_2", ApprovalState.APPROVED, "ada", "")
