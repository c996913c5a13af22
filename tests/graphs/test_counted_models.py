"""Which agents asked a model, by the counter that `/metrics` shows: none where nothing was found."""

from __future__ import annotations

import re

import pytest

from agents.data_policy import DataPolicy
from app.metrics import Metrics
from app.models.budget import BudgetSettings
from app.models.metered import FREE, Metered, Tariff
from clients.models.settings import LocalSettings
from core.models import Rung
from tests.fakes.chat import ReciteModel
from tests.graphs.conftest import Bench
from tests.graphs.test_models import answers, model, run

CALLS = re.compile(r'^quell_model_calls_total\{agent="(\w+)",.*\} (\d+)\.0$', re.MULTILINE)
LOCAL = LocalSettings(url="http://127.0.0.1:1")
FREE_OF_CHARGE = Tariff(
    wanted=lambda request: LOCAL.choice.wanted(request.task),
    price=lambda name: FREE,
    prompt_tokens=lambda name, request: 0,
    deadline_seconds=lambda request: LOCAL.deadlines[request.task],
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def counted(local: ReciteModel, bench: Bench, metrics: Metrics) -> Metered:
    """The model as the server hands it to its graphs: in the books and in the counter."""
    return Metered(
        local, FREE_OF_CHARGE, bench.store, bench.clock, BudgetSettings(), DataPolicy(), metrics.observe_call
    )


async def calls(bench: Bench, metrics: Metrics) -> dict[str, int]:
    """Agent -> calls, as Prometheus would scrape them."""
    page = (await metrics.exposition(bench.store)).decode()
    return {agent: int(number) for agent, number in CALLS.findall(page)}


async def test_every_agent_with_something_to_judge_is_counted(bench: Bench, metrics: Metrics) -> None:
    bench.metrics.young = True
    local = model(answers())
    await run(bench, counted(local, bench, metrics))
    found = await calls(bench, metrics)
    assert set(found) == {"anomaly", "rca", "healing"}
    assert sum(found.values()) == len(local.requests)


async def test_nodes_whose_rules_found_nothing_ask_no_model_and_the_counter_says_so(
    bench: Bench, metrics: Metrics
) -> None:
    bench.metrics.fault_at = bench.clock.now().timestamp() + 1e6
    local, frontier = model(answers()), model(answers(), Rung.FRONTIER)
    _, decided = await run(bench, counted(local, bench, metrics), counted(frontier, bench, metrics))
    assert {"anomaly", "rca"} <= set(decided), "they were asked, and answered by their rules alone"
    assert await calls(bench, metrics) == {}
    async with bench.store.read() as tx:
        assert await tx.spending.calls() == []
