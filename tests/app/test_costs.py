"""`quell costs`, the API's route, the incident's cost, the metrics and the doctor, from the same books."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from app.cli.main import main
from app.doctor import examine
from app.metrics import Metrics
from app.operations.context import Context
from app.operations.costs import show_costs
from app.operations.incidents import show_incident
from app.operations.remote import Remote
from app.settings import Settings
from core.clock import ManualClock
from core.errors import InvalidInput
from core.models import Escalation, EscalationReason, Rung
from core.spending import CallOutcome, Caps, CostBy, ModelCall, Period
from stores.migrate import upgrade
from stores.store import Store
from tests.app.conftest import TOKEN
from tests.stores.samples import NOON, call, incident

ANSWERED = call(
    "call_1",
    incident_id="inc_1",
    service="edge",
    outcome=CallOutcome.ANSWERED,
    prompt_tokens=1_000,
    output_tokens=100,
    cost_usd=0.0035,
    seconds=2.0,
    ended_at=NOON + timedelta(seconds=2),
)
WAITING = call("call_2", model="gpt-4o-mini", incident_id="inc_1", service="edge", reserved_usd=0.001)


async def book(store: Store, *calls: ModelCall) -> None:
    async with store.write() as tx:
        for each in calls:
            await tx.spending.reserve(each, Caps())
            if each.outcome is not CallOutcome.PENDING:
                await tx.spending.settle(each)


async def test_the_report_sums_and_tells_what_is_left(populated: Context) -> None:
    await book(populated.store, ANSWERED, WAITING)
    report = await show_costs.run(populated, by=CostBy.MODEL)
    assert [(row.key, row.cost_usd, row.pending_usd) for row in report.rows] == [
        ("gpt-4o", 0.0035, 0.0),
        ("gpt-4o-mini", 0.001, 0.001),
    ]
    assert (report.total.calls, report.total.cost_usd) == (2, 0.0045)
    assert [(each.period, each.cap_usd, each.spent_usd) for each in report.budget] == [
        (Period.HOUR, 1.0, 0.0045),
        (Period.DAY, 5.0, 0.0045),
        (Period.MONTH, 50.0, 0.0045),
    ]
    with pytest.raises(InvalidInput, match="since"):
        await show_costs.run(populated, since=NOON.replace(tzinfo=None))


async def test_by_call_every_call_is_shown(populated: Context, client: httpx.AsyncClient) -> None:
    await book(populated.store, ANSWERED, WAITING)
    remote = Remote("http://quell", TOKEN, transport=client._transport)
    async with remote:
        report = await remote.call(show_costs, by=CostBy.CALL, since=NOON, limit=1)
    assert (report.calls, report.rows, report.total.calls) == ((WAITING,), (), 2)


async def test_an_incident_shows_what_it_cost(populated: Context) -> None:
    await book(populated.store, ANSWERED, WAITING)
    detail = await show_incident.run(populated, incident_id="inc_1")
    assert detail.calls == (ANSWERED, WAITING)
    assert detail.incident.cost_usd == 0.0035


def test_people_read_costs(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings.load()
    now = settings.clock.now()

    async def fill() -> None:
        await upgrade(settings.store_url)
        store = await Store.open(settings.store_url, settings.clock)
        async with store.write() as tx:
            await tx.incidents.add(incident("inc_1"))
        old = call("call_0", at=now - timedelta(days=8), expires_at=now, model="gpt-4-turbo")
        fresh = {"at": now, "expires_at": now + timedelta(minutes=2)}
        await book(store, old, ANSWERED.model_copy(update=fresh), WAITING.model_copy(update=fresh))
        await store.close()

    asyncio.run(fill())
    assert main(["costs", "--by", "model", "--since", "7d"]) == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines()[:3]] == [
        ["MODEL", "CALLS", "ANSWERED", "PROMPT", "ANSWER", "USD", "UNDER", "WAY"],
        ["gpt-4o", "1", "1", "1000", "100", "0.0035"],
        ["gpt-4o-mini", "1", "0", "0", "0", "0.0010", "0.0010"],
    ]
    assert "total: 2 calls, 1100 tokens, 0.0045 USD" in out
    assert "last month: 0.0245 of 50 USD" in out
    assert main(["costs", "--by", "call"]) == 0
    assert "gpt-4-turbo" in capsys.readouterr().out
    assert main(["incidents", "show", "inc_1"]) == 0
    assert "0.0045 USD for 2 model calls" in capsys.readouterr().out


def test_without_any_call_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "upgrade"]) == 0
    capsys.readouterr()
    assert main(["costs", "--since", "24h"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "no language model was asked",
        "last hour: 0.0000 of 1 USD",
        "last day: 0.0000 of 5 USD",
        "last month: 0.0000 of 50 USD",
    ]
    assert main(["costs", "--since", "yesterday"]) == 2
    assert "is no time with a zone" in capsys.readouterr().err


async def test_metrics_count_calls_costs_tokens_and_steps_up(store: Store) -> None:
    metrics = Metrics()
    metrics.observe_call(ANSWERED)
    metrics.observe_call(ANSWERED.model_copy(update={"outcome": CallOutcome.LATE, "cost_usd": 0.02}))
    step = Escalation(from_rung=Rung.RULES, to_rung=Rung.LOCAL, reason=EscalationReason.LOW_CONFIDENCE)
    metrics.observe_escalation("rca", step)
    await book(store, WAITING)
    page = (await metrics.exposition(store)).decode()
    for line in (
        'quell_model_calls_total{agent="rca",model="gpt-4o",outcome="answered",rung="frontier"} 1.0',
        'quell_model_calls_total{agent="rca",model="gpt-4o",outcome="late",rung="frontier"} 1.0',
        'quell_model_cost_usd_total{model="gpt-4o",rung="frontier"} 0.0235',
        'quell_model_tokens_total{model="gpt-4o",of="prompt",rung="frontier"} 2000.0',
        'quell_model_call_duration_seconds_count{model="gpt-4o",rung="frontier"} 1.0',
        'quell_escalations_total{agent="rca",from_rung="rules",reason="low_confidence",to_rung="local"} 1.0',
        'quell_model_spent_usd{period="hour"} 0.001',
    ):
        assert line in page.splitlines()


async def test_the_doctor_looks_at_the_budget(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    async def line() -> tuple[bool, bool, str, str]:
        [found] = [each for each in (await examine(None, clock)).checks if each.name == "budget"]
        return found.configured, found.reachable, found.detail, found.fix

    settings = Settings.load()
    await upgrade(settings.store_url)
    assert await line() == (False, False, "no model that costs anything is configured", "")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert await line() == (
        True,
        True,
        "0.0000 of 1 USD in the last hour, 0.0000 of 5 USD in the last day, 0.0000 of 50 USD in the last month"
        "; prices as of 2026-04-01",
        "",
    )
    store = await Store.open(settings.store_url, clock)
    await book(store, call(at=clock.now(), reserved_usd=0.9))
    await store.close()
    monkeypatch.setenv("QUELL_BUDGET__DAY_USD", "0.9")
    assert (await line())[1:] == (False, (await line())[2], "raise budget.day_usd, or wait")
    monkeypatch.setenv("QUELL_MODELS__FRONTIER__CHOICE__DEFAULT", "llama")
    assert "no price is known of llama" in (await line())[2]
