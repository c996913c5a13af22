"""`quell incidents summary` over the store and the command line, with and without a model behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.summaries.narrated import NARRATED
from agents.summaries.text import TextKind
from app.cli.main import main
from app.operations import summaries
from app.operations.context import Context
from app.operations.summaries import summarise_incident
from app.settings import Settings
from clients.models.settings import LocalSettings, ModelsSettings
from core.clock import ManualClock, SystemClock
from core.errors import ModelUnavailable, NotFound
from core.llm import ModelTask
from core.models import Rung
from core.ports import ChatModel
from stores.store import Store
from tests.app.conftest import SERVICES, populate
from tests.fakes.chat import ReciteModel
from tests.fakes.ollama import ollama_server
from tests.fakes.script import Script
from tools.inventory import Inventory


def answering(monkeypatch: pytest.MonkeyPatch, model: ReciteModel) -> None:
    """Put that model behind the local rung, whatever is configured."""

    @asynccontextmanager
    async def open_models(*_: Any) -> AsyncIterator[tuple[()]]:
        yield ()

    def model_rungs(*_: Any) -> Mapping[Rung, ChatModel]:
        return {Rung.LOCAL: model}

    monkeypatch.setattr(summaries, "open_models", open_models)
    monkeypatch.setattr(summaries, "model_rungs", model_rungs)


async def test_without_a_model_the_record_speaks(populated: Context) -> None:
    told = await summarise_incident.run(populated, incident_id="inc_1")
    assert told.rung is Rung.RULES
    assert "gateway fails" in told.markdown
    assert not told.notes
    with pytest.raises(NotFound):
        await summarise_incident.run(populated, incident_id="inc_9")


async def test_a_model_writes_it_where_it_can_and_is_missed_aloud(
    populated: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    headings = NARRATED[TextKind.SUMMARY]
    sentences = [{"text": "Errors rose.", "cites": ["ev_1"]}]
    answer = json.dumps({"sections": [{"heading": heading, "sentences": sentences} for heading in headings]})
    model = ReciteModel([answer, ModelUnavailable("the model is away")])
    answering(monkeypatch, model)
    told = await summarise_incident.run(populated, incident_id="inc_1", by="ada")
    assert told.rung is Rung.LOCAL
    assert model.requests[0].purpose.user == "ada", "costs are booked on who wanted it"
    assert "- Errors rose. [ev_1]" in told.markdown
    told = await summarise_incident.run(populated, incident_id="inc_1")
    assert told.rung is Rung.RULES
    assert any("the model is away" in note for note in told.notes)
    told = await summarise_incident.run(populated, incident_id="inc_1", ask_models=False)
    assert len(model.requests) == 2, "nobody is asked when that is wanted"


async def test_a_server_asks_the_models_that_it_has(populated: Context) -> None:
    """With their breakers, speeds and counters."""
    model = ReciteModel([ModelUnavailable("left alone for 30 s")])
    told = await summarise_incident.run(replace(populated, models={Rung.LOCAL: model}), incident_id="inc_1")
    assert len(model.requests) == 1
    assert any("left alone for 30 s" in note for note in told.notes)


def test_the_command_prints_markdown_and_what_was_done_aloud(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fill() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{Path.cwd() / '.quell' / 'quell.db'}", SystemClock())
        await populate(store)
        await store.close()

    assert main(["db", "upgrade"]) == 0
    asyncio.run(fill())
    answering(monkeypatch, ReciteModel([ModelUnavailable("the model is away")]))
    capsys.readouterr()
    assert main(["incidents", "summary", "inc_1", "--as", "postmortem"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("# Post-mortem (draft): gateway fails (inc_1)\n\n## Impact\n")
    assert "\x1b" not in printed.out
    assert "the model is away" in printed.err


async def test_a_local_model_writes_it_over_the_wire_and_its_call_is_booked(
    settings: Settings, store: Store, clock: ManualClock
) -> None:
    await populate(store)
    headings = NARRATED[TextKind.HANDOVER]
    sentences = [{"text": "Errors rose.", "cites": ["ev_1"]}]
    script = Script.of({"sections": [{"heading": heading, "sentences": sentences} for heading in headings]})
    async with ollama_server(script) as fake:
        asking = settings.model_copy(update={"models": ModelsSettings(local=LocalSettings(url=fake.url))})
        context = Context(asking, store, clock, Inventory(SERVICES))
        told = await summarise_incident.run(context, incident_id="inc_1", kind=TextKind.HANDOVER)
    assert (told.rung, told.model) == (Rung.LOCAL, "mistral:7b")
    assert "- Errors rose. [ev_1]" in told.markdown
    async with store.read() as tx:
        (call,) = await tx.spending.of_incident("inc_1")
    assert (call.agent, call.task) == ("summaries", ModelTask.SUMMARY)
    script.check()
