"""Leases: never two holders at once, tokens only grow, and a lost lease is told at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.errors import Conflict, LeaseLost
from stores.leases import Lease
from stores.store import Store, Tx
from tests.stores.samples import NOON, incident

TTL_SECONDS = 30.0
HOLDERS = ("ada", "bob")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["acquire", "renew", "check", "release"]), st.sampled_from(HOLDERS)),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 29.0, 30.0, 31.0])),
    ),
    max_size=25,
)


@pytest.fixture
async def store(store: Store) -> Store:
    """A store with one incident."""
    async with store.write() as tx:
        await tx.incidents.add(incident())
    return store


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_at_most_one_worker_holds_an_incident(
    store: Store, clock: ManualClock, steps: list[tuple[str, str | float]]
) -> None:
    identity = f"inc_{uuid4()}"
    held: dict[str, Lease] = {}  # what each worker believes
    owner, until, tokens = "", clock.now(), [0]  # what is so

    async with store.write() as tx:
        await tx.incidents.add(incident(identity))
        for step, who in steps:
            if isinstance(who, float):
                clock.advance(who)
                continue
            live = owner if until > clock.now() else ""
            if step == "acquire":
                lease = await tx.leases.acquire(identity, who, TTL_SECONDS)
                assert (lease is None) == bool(live)
                if lease:
                    assert lease.token > tokens[-1]
                    tokens.append(lease.token)
                    held[who], owner, until = lease, who, lease.expires_at
                    assert until == clock.now() + timedelta(seconds=TTL_SECONDS)
            elif who in held:
                current = live == who and held[who].token == tokens[-1]
                until = await attempt_step(tx, step, held, who, current, until)


async def attempt_step(tx: Tx, step: str, held: dict[str, Lease], who: str, current: bool, until: object) -> object:
    """Do one step with a lease that is, or is not, the current one; returns when it now ends."""
    if step == "release":
        await tx.leases.release(held[who])
        with pytest.raises(LeaseLost):
            await tx.leases.check(held[who])
        return NOON if current else until
    if not current:
        with pytest.raises(LeaseLost):
            await (tx.leases.check(held[who]) if step == "check" else tx.leases.renew(held[who], TTL_SECONDS))
        return until
    if step == "check":
        await tx.leases.check(held[who])
        return until
    held[who] = await tx.leases.renew(held[who], TTL_SECONDS)
    return held[who].expires_at


async def test_a_renewed_lease_lasts(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        lease = await tx.leases.acquire("inc_1", "ada", TTL_SECONDS)
        assert lease == Lease(
            incident_id="inc_1", holder="ada", token=1, expires_at=NOON + timedelta(seconds=TTL_SECONDS)
        )
        clock.advance(20)
        renewed = await tx.leases.renew(lease, TTL_SECONDS)
        clock.advance(20)
        await tx.leases.check(renewed)
        await tx.leases.check(lease)  # the token counts, not what the holder last heard of the end
        clock.advance(10)
        with pytest.raises(LeaseLost, match="ada"):
            await tx.leases.renew(renewed, TTL_SECONDS)


async def test_a_slow_worker_is_told_apart_from_its_successor(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        slow = await tx.leases.acquire("inc_1", "ada", TTL_SECONDS)
        clock.advance(TTL_SECONDS)
        successor = await tx.leases.acquire("inc_1", "ada", TTL_SECONDS)
        assert slow
        assert successor
        with pytest.raises(LeaseLost):
            await tx.leases.check(slow)
        await tx.leases.release(slow)
        await tx.leases.check(successor)


async def test_a_lost_lease_undoes_the_write_it_guards(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        lease = await tx.leases.acquire("inc_1", "ada", TTL_SECONDS)
    assert lease
    clock.advance(TTL_SECONDS)

    async def write_too_late() -> None:
        async with store.write() as tx:
            await tx.incidents.update("inc_1", outcome="too late")
            await tx.leases.check(lease)

    with pytest.raises(LeaseLost):
        await write_too_late()
    async with store.read() as tx:
        assert (await tx.incidents.get("inc_1")).outcome == ""


async def test_only_incidents_that_exist_are_leased(store: Store) -> None:
    with pytest.raises(Conflict):
        async with store.write() as tx:
            await tx.leases.acquire("inc_none", "ada", TTL_SECONDS)
