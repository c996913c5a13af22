"""What a call costs, at the wire: reserved or refused before it is sent, settled at the server's counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agents.data_policy import DataPolicy, FrontierPrivacy
from app.models.budget import PRICES, BudgetSettings
from app.models.wiring import model_rungs, without_price
from app.operations.models import open_models
from app.settings import Settings
from clients.models.settings import LocalSettings, ModelChoice, ModelsSettings
from core.clock import ManualClock
from core.errors import (
    DataStays,
    ModelLate,
    ModelUnavailable,
    OverBudget,
    SourceError,
    SourceRejected,
    StoreUnavailable,
)
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker
from core.models import Rung
from core.ports import ChatModel
from core.spending import CallOutcome, Caps, ModelCall, Price
from stores.store import Store
from tests.fakes.ollama import ollama_server
from tests.fakes.openai import FakeOpenAI, openai_server
from tests.fakes.script import Fail, Say, Script
from tests.stores.samples import incident
from tests.support import eventually

ANSWER = Say("payment crashed", prompt_tokens=1_000, output_tokens=100)
COST = 0.0035
"""Of `ANSWER` at 2.50 and 10 USD for a million tokens."""


def asked(**fields: object) -> ModelRequest:
    return ModelRequest.model_validate(
        {
            "task": ModelTask.RCA,
            "messages": (Message(speaker=Speaker.USER, text="what broke?"),),
            "max_output_tokens": 1_000,
            "purpose": Purpose(agent="rca", incident_id="inc_1", service="edge", user="ada"),
            **fields,
        }
    )


def frontier(fake: FakeOpenAI, model: str = "gpt-4o", **fields: object) -> Settings:
    section = {"url": f"{fake.url}/v1", "bearer_token": fake.key, "choice": ModelChoice(default=model), "attempts": 1}
    return Settings.model_validate({"models": {"frontier": section}, **fields})


@asynccontextmanager
async def rung(
    settings: Settings, store: Store, clock: ManualClock, calls: list[ModelCall] | None = None
) -> AsyncIterator[ChatModel]:
    """The only rung that is configured; what it observes goes into `calls`."""
    async with open_models(settings, clock) as clients:
        [model] = model_rungs(clients, settings, store, clock, [].append if calls is None else calls.append).values()
        yield model


async def books(store: Store) -> list[ModelCall]:
    async with store.read() as tx:
        return await tx.spending.calls()


async def test_an_answer_costs_what_the_server_counted(store: Store, clock: ManualClock) -> None:
    async with store.write() as tx:
        await tx.incidents.add(incident("inc_1"))
    seen: list[ModelCall] = []
    async with openai_server(Script.of(ANSWER)) as fake, rung(frontier(fake), store, clock, seen) as model:
        reply = await model.complete(asked())
    [call] = await books(store)
    assert (reply.cost_usd, call.cost_usd) == (COST, COST)
    assert call.reserved_usd == pytest.approx(0.0101, abs=0.0001)  # 1,000 tokens of answer, and a short prompt
    assert (call.rung, call.model, call.outcome) == (Rung.FRONTIER, "gpt-4o", CallOutcome.ANSWERED)
    assert (call.agent, call.incident_id, call.service, call.user) == ("rca", "inc_1", "edge", "ada")
    assert (call.prompt_tokens, call.output_tokens) == (1_000, 100)
    assert seen == [call]
    async with store.read() as tx:
        assert (await tx.incidents.get("inc_1")).cost_usd == COST


async def test_what_does_not_fit_the_budget_is_not_sent(store: Store, clock: ManualClock) -> None:
    async with openai_server(Script.of(ANSWER)) as fake:
        settings = frontier(fake, budget=BudgetSettings(incident_usd=0.0125))
        async with rung(settings, store, clock) as model:
            await model.complete(asked())
            with pytest.raises(OverBudget, match="incident inc_1 are spent"):
                await model.complete(asked())
            with pytest.raises(OverBudget):
                await model.complete(asked(purpose=Purpose(agent="rca", incident_id="inc_2"), max_output_tokens=9_000))
    assert len(await books(store)) == 1


async def test_the_worst_case_counts_while_a_call_is_under_way(store: Store, clock: ManualClock) -> None:
    script = Script.of(Say("late", slow=True))
    async with openai_server(script) as fake:
        settings = frontier(fake, budget=BudgetSettings(hour_usd=0.015))
        async with rung(settings, store, clock) as model:
            first = asyncio.create_task(model.complete(asked()))
            await eventually(lambda: bool(script.requests))
            with pytest.raises(OverBudget, match="last hour"):
                await model.complete(asked())
            script.release.set()
            await first
    [call] = await books(store)
    assert call.cost_usd < 0.001


@pytest.mark.parametrize(
    ("step", "error", "outcome", "paid"),
    [
        (Fail(429), ModelUnavailable, CallOutcome.UNAVAILABLE, False),
        (Fail(500), ModelUnavailable, CallOutcome.UNAVAILABLE, False),
        (Fail(400), SourceRejected, CallOutcome.REJECTED, False),
        (Fail(200, "<html>login</html>", "text/html"), ModelUnavailable, CallOutcome.UNAVAILABLE, True),
        (Say("broken off in the middle of it", cut=True), ModelUnavailable, CallOutcome.UNAVAILABLE, True),
    ],
)
async def test_only_what_the_server_may_have_billed_costs(
    store: Store, clock: ManualClock, step: Say | Fail, error: type[Exception], outcome: CallOutcome, paid: bool
) -> None:
    async with openai_server(Script.of(step)) as fake, rung(frontier(fake), store, clock) as model:
        with pytest.raises(error) as told:
            await model.complete(asked())
    [call] = await books(store)
    assert (call.outcome, call.cost_usd) == (outcome, call.reserved_usd if paid else 0.0)
    assert isinstance(told.value, SourceError)
    assert told.value.cost_usd == call.cost_usd, "the decision counts it, too"


async def test_a_late_answer_costs_its_worst_case(store: Store, clock: ManualClock) -> None:
    async with openai_server(Script.of(Say(slow=True))) as fake, rung(frontier(fake), store, clock) as model:
        with pytest.raises(ModelLate):
            await model.complete(asked(deadline_seconds=0.05))
    [call] = await books(store)
    assert (call.outcome, call.cost_usd) == (CallOutcome.LATE, call.reserved_usd)


async def test_a_server_that_is_not_there_costs_nothing(store: Store, clock: ManualClock) -> None:
    settings = frontier(FakeOpenAI(Script(), url="http://127.0.0.1:1"))
    async with rung(settings, store, clock) as model:
        with pytest.raises(ModelUnavailable):
            await model.complete(asked())
    [call] = await books(store)
    assert (call.outcome, call.cost_usd) == (CallOutcome.UNAVAILABLE, 0.0)


async def test_a_cancelled_call_stays_at_its_worst_case(store: Store, clock: ManualClock) -> None:
    script, seen = Script.of(Say(slow=True)), list[ModelCall]()
    async with openai_server(script) as fake, rung(frontier(fake), store, clock, seen) as model:
        task = asyncio.create_task(model.complete(asked()))
        await eventually(lambda: bool(script.requests))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    [call] = await books(store)
    assert (call.outcome, call.cost_usd) == (CallOutcome.PENDING, call.reserved_usd)
    assert [each.outcome for each in seen] == [CallOutcome.EXPIRED]
    clock.advance(121)  # the deadline of this task, and a minute
    async with store.write() as tx:
        await tx.spending.reserve(call.model_copy(update={"id": "call_2", "at": clock.now()}), Caps())
    assert (await books(store))[1].outcome is CallOutcome.EXPIRED


async def test_books_that_cannot_be_settled_do_not_cost_the_answer(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr("stores.spending.Spending.settle", gone)
    async with openai_server(Script.of(ANSWER)) as fake, rung(frontier(fake), store, clock) as model:
        assert (await model.complete(asked())).cost_usd == COST
    [call] = await books(store)
    assert call.cost_usd == call.reserved_usd


async def test_a_model_without_a_price_is_not_asked(store: Store, clock: ManualClock) -> None:
    async with openai_server(Script.of(ANSWER)) as fake:
        settings = frontier(fake, model="llama-3.3-70b")
        assert without_price(settings) == ("llama-3.3-70b",)
        async with rung(settings, store, clock) as model:
            with pytest.raises(OverBudget, match=r"no price is known of llama-3\.3-70b.*budget\.prices"):
                await model.complete(asked())
        assert await books(store) == []
        free = {"llama-3.3-70b": Price(input_usd=0, output_usd=0)}
        async with rung(frontier(fake, model="llama-3.3-70b", budget={"prices": free}), store, clock) as model:
            assert (await model.complete(asked())).cost_usd == 0.0


async def test_data_that_must_stay_is_not_sent(store: Store, clock: ManualClock) -> None:
    async with openai_server(Script()) as fake:
        settings = frontier(fake, privacy=DataPolicy(frontier=FrontierPrivacy(services={"edge": False})))
        async with rung(settings, store, clock) as model:
            with pytest.raises(DataStays, match="policy keeps data of edge from the frontier rung"):
                await model.complete(asked())
    assert await books(store) == []


async def test_a_local_model_costs_nothing_whatever_is_spent(store: Store, clock: ManualClock) -> None:
    async with ollama_server(Script.of(ANSWER)) as fake:
        settings = Settings(
            models=ModelsSettings(local=LocalSettings(url=fake.url)), budget=BudgetSettings(incident_usd=0)
        )
        async with rung(settings, store, clock) as model:
            reply = await model.complete(asked())
    [call] = await books(store)
    assert (reply.cost_usd, call.cost_usd, call.prompt_tokens) == (0.0, 0.0, 1_000)
    assert (call.rung, call.model) == (Rung.LOCAL, "mistral:7b")


def test_prices_of_the_user_go_over_the_defaults() -> None:
    mine = Price(input_usd=1, output_usd=2)
    budget = BudgetSettings(prices={"gpt-4o": mine, "mine": mine})
    assert budget.price("gpt-4o") == budget.price("gpt-4o-2024-11-20") == budget.price("mine") == mine
    assert (old := budget.price("gpt-4o-2024-05-13"))
    assert (old.input_usd, old.output_usd) == (5, 15)
    assert all(each.as_of and each.source for each in PRICES.values())
    assert budget.price("gpt-4o-audio") is None
