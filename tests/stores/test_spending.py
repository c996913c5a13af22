"""The books: no cap is ever exceeded, whoever reserves at once, and a dead process costs its worst case."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.errors import OverBudget
from core.models import Rung
from core.spending import CallOutcome, Caps, CostBy, ModelCall, Period, Price
from stores.database import open_database
from stores.store import Store
from tests.stores.conftest import url_of
from tests.stores.samples import NOON, call, incident

WIDE = Caps(incident_usd=100, hour_usd=100, day_usd=100, month_usd=100)


async def reserve(store: Store, made: ModelCall, caps: Caps = WIDE) -> bool:
    """Whether it fitted."""
    try:
        async with store.write() as tx:
            await tx.spending.reserve(made, caps)
    except OverBudget:
        return False
    return True


async def settle(store: Store, made: ModelCall, cost_usd: float, **fields: object) -> None:
    ended = {"outcome": CallOutcome.ANSWERED, "cost_usd": cost_usd, **fields}
    async with store.write() as tx:
        await tx.spending.settle(made.model_copy(update=ended))


async def spent(store: Store, incident_id: str = "") -> dict[Period, float]:
    async with store.read() as tx:
        return await tx.spending.spent(incident_id)


def test_a_price_counts_a_million_tokens() -> None:
    assert Price(input_usd=2.5, output_usd=10).usd(6_000, 500) == 0.02
    assert Price(input_usd=0.1, output_usd=0.4).usd(1, 0) == 1e-7


def test_the_caps_that_hold_unless_others_are_set() -> None:
    assert {period: Caps().of(period) for period in Period} == {
        Period.INCIDENT: 0.10,
        Period.HOUR: 1.0,
        Period.DAY: 5.0,
        Period.MONTH: 50.0,
    }


async def test_a_reservation_counts_at_its_worst_case_until_it_is_settled(store: Store) -> None:
    made = call(incident_id="inc_1")
    assert await reserve(store, made)
    assert await spent(store, "inc_1") == dict.fromkeys(Period, 0.02)
    await settle(store, made, 0.005)
    assert await spent(store, "inc_1") == dict.fromkeys(Period, 0.005)
    assert await spent(store, "inc_2") == {**dict.fromkeys(Period, 0.005), Period.INCIDENT: 0.0}


@pytest.mark.parametrize("period", list(Period))
async def test_each_cap_refuses_what_would_exceed_it(store: Store, period: Period) -> None:
    caps = WIDE.model_copy(update={f"{period}_usd": 0.03})
    assert await reserve(store, call("call_1", incident_id="inc_1", reserved_usd=0.01), caps)
    assert await reserve(store, call("call_2", incident_id="inc_1", reserved_usd=0.02), caps)
    with pytest.raises(OverBudget, match=rf"0\.0300 of the 0\.03 USD.*raise budget\.{period}_usd"):
        async with store.write() as tx:
            await tx.spending.reserve(call("call_3", incident_id="inc_1", reserved_usd=0.001), caps)
    assert await reserve(store, call("call_4", incident_id="inc_1", reserved_usd=0.0), caps)
    async with store.read() as tx:
        assert [each.id for each in await tx.spending.of_incident("inc_1")] == ["call_1", "call_2", "call_4"]


async def test_the_cap_of_an_incident_binds_only_that_incident(store: Store) -> None:
    caps = WIDE.model_copy(update={"incident_usd": 0.02})
    assert await reserve(store, call("call_1", incident_id="inc_1"), caps)
    assert not await reserve(store, call("call_2", incident_id="inc_1"), caps)
    assert await reserve(store, call("call_3", incident_id="inc_2"), caps)
    assert await reserve(store, call("call_4"), caps)
    assert await reserve(store, call("call_5"), caps)


async def test_spending_leaves_the_windows_in_time(store: Store, clock: ManualClock) -> None:
    caps = Caps(incident_usd=1, hour_usd=0.02, day_usd=0.04, month_usd=0.06)
    fitted = []
    for step_hours in (0, 0.5, 0.5, 1, 22, 24 * 5, 24 * 30):
        clock.advance(step_hours * 3600)
        made = call(f"call_{len(fitted)}", at=clock.now())
        fitted.append(await reserve(store, made, caps))
    assert fitted == [True, False, True, False, True, False, True]


async def test_a_dead_process_costs_its_worst_case_for_good(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_1"))
    dead = call("call_1", incident_id="inc_1", expires_at=NOON + timedelta(minutes=2))
    await reserve(store, dead)
    clock.advance(119)
    await reserve(store, call("call_2", at=clock.now()))
    clock.advance(1)
    await reserve(store, call("call_3", at=clock.now()))
    async with store.read() as tx:
        [found] = await tx.spending.of_incident("inc_1")
        assert (found.outcome, found.cost_usd, found.ended_at) == (CallOutcome.EXPIRED, 0.02, clock.now())
        assert (await tx.incidents.get("inc_1")).cost_usd == 0.02


async def test_one_that_was_only_slow_settles_after_all(store: Store, clock: ManualClock) -> None:
    slow = call("call_1", incident_id="inc_1")
    await reserve(store, slow)
    clock.advance(600)
    await reserve(store, call("call_2", at=clock.now()))
    await settle(store, slow, 0.001)
    async with store.read() as tx:
        [found] = await tx.spending.of_incident("inc_1")
    assert (found.outcome, found.cost_usd) == (CallOutcome.ANSWERED, 0.001)


async def test_what_was_reserved_and_settled_is_with_its_incident(store: Store) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_1"))
    first, second = call("call_1", incident_id="inc_1"), call("call_2", incident_id="inc_1")
    await reserve(store, first)
    await reserve(store, second)
    await settle(store, first, 0.0125, prompt_tokens=4000, output_tokens=250, seconds=2.5, model="gpt-4o-mini")
    async with store.read() as tx:
        assert (await tx.incidents.get("inc_1")).cost_usd == 0.0125
        found, waiting = await tx.spending.of_incident("inc_1")
    assert (found.model, found.prompt_tokens, found.output_tokens, found.seconds) == ("gpt-4o-mini", 4000, 250, 2.5)
    assert waiting == second


async def test_costs_are_summed_by_whatever_is_asked(store: Store, clock: ManualClock) -> None:
    calls = [
        call("call_1", incident_id="inc_1", service="edge", agent="rca", user="ada"),
        call("call_2", incident_id="inc_2", service="edge", agent="rca", at=NOON + timedelta(days=1)),
        call("call_3", rung=Rung.LOCAL, model="phi3:mini", reserved_usd=0.0, service="leaf", agent="anomaly"),
    ]
    for each in calls:
        await reserve(store, each)
    await settle(store, calls[0], 0.03, prompt_tokens=10, output_tokens=1)
    await settle(store, calls[2], 0.0, prompt_tokens=7, output_tokens=2)

    async def sums(by: CostBy) -> list[tuple[str, int, float]]:
        async with store.read() as tx:
            return [(row.key, row.calls, row.cost_usd) for row in await tx.spending.costs(by)]

    assert await sums(CostBy.SERVICE) == [("edge", 2, 0.05), ("leaf", 1, 0.0)]
    assert await sums(CostBy.INCIDENT) == [("inc_1", 1, 0.03), ("inc_2", 1, 0.02), ("", 1, 0.0)]
    assert await sums(CostBy.DAY) == [("2026-03-04", 1, 0.02), ("2026-03-03", 2, 0.03)]
    assert await sums(CostBy.MODEL) == [("gpt-4o", 2, 0.05), ("phi3:mini", 1, 0.0)]
    assert await sums(CostBy.USER) == [("ada", 1, 0.03), ("", 2, 0.02)]
    assert {key for key, *_ in await sums(CostBy.CALL)} == {"call_1", "call_2", "call_3"}
    async with store.read() as tx:
        total = await tx.spending.total()
        later = await tx.spending.total(NOON + timedelta(hours=1))
        nothing = await tx.spending.total(NOON + timedelta(days=2))
        newest = await tx.spending.calls(limit=2)
    assert (total.calls, total.answered, total.prompt_tokens, total.output_tokens) == (3, 2, 17, 3)
    assert (total.cost_usd, total.pending_usd) == (0.05, 0.02)
    clock.advance(86_400 + 120)
    async with store.read() as tx:
        assert (await tx.spending.total()).pending_usd == 0.0
    assert (later.calls, later.cost_usd, nothing.calls, nothing.cost_usd) == (1, 0.02, 0, 0.0)
    assert [each.id for each in newest] == ["call_3", "call_2"]


AMOUNTS = st.floats(min_value=0.0001, max_value=0.06)
DEMANDS = st.lists(st.tuples(AMOUNTS, st.sampled_from(["", "inc_1", "inc_2"]), st.floats(0, 1)), max_size=8)


@settings(max_examples=12)
@given(rounds=st.lists(st.tuples(DEMANDS, st.floats(0, 5400)), min_size=1, max_size=3))
def test_reservations_made_at_once_never_exceed_a_cap(
    migrated: Path, rounds: list[tuple[list[tuple[float, str, float]], float]]
) -> None:
    """Two processes' stores on one file; each call is settled at a share of its worst case, or never."""
    caps = Caps(incident_usd=0.1, hour_usd=0.15, day_usd=0.2, month_usd=0.2)

    async def check(path: Path) -> None:
        clock = ManualClock(NOON)
        stores = [Store(open_database(url_of(path)), clock) for _ in range(2)]
        for number, (demands, pause) in enumerate(rounds):
            made = [
                call(f"call_{number}_{index}", at=clock.now(), reserved_usd=usd, incident_id=incident_id)
                for index, (usd, incident_id, _) in enumerate(demands)
            ]
            taken = await asyncio.gather(*(reserve(stores[i % 2], each, caps) for i, each in enumerate(made)))
            for incident_id in ("inc_1", "inc_2"):
                for period, usd in (await spent(stores[0], incident_id)).items():
                    assert usd <= caps.of(period)
            for each, fitted, (usd, _, share) in zip(made, taken, demands, strict=True):
                if fitted and share > 0.2:
                    await settle(stores[0], each, usd * share)
            clock.advance(pause)
        for each_store in stores:
            await each_store.close()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(migrated, Path(folder) / "quell.db"))
        asyncio.run(check(path))
