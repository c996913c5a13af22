"""Unknown templates of stored evidence are classified once, by a model that may be told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agents.data_policy import DataPolicy, RungPrivacy
from app.bootstrap import open_app
from app.log_study import KEPT, LogStudy
from app.models.wiring import model_rungs
from app.operations.models import open_models
from app.settings import Settings
from clients.models.settings import LocalSettings, ModelsSettings
from core.clock import ManualClock
from core.errors import ModelUnavailable
from core.llm import ModelRequest
from core.models import (
    Digest,
    Evidence,
    EvidenceKind,
    LogCategory,
    Rung,
    Severity,
    TemplateClass,
    TemplateDigest,
    TemplateQuery,
    Window,
)
from stores.migrate import upgrade
from stores.store import Store
from tests.fakes.chat import ReciteModel
from tests.fakes.ollama import ollama_server
from tests.fakes.script import Script
from tests.stores.samples import NOON, incident
from tools.template_memory import StoredTemplates

WINDOW = Window(start=NOON - timedelta(minutes=1), end=NOON)


async def keep(store: Store, service: str, *templates: str) -> None:
    rows = tuple(TemplateDigest(subject=service, template=text, count=1) for text in (*templates, ""))
    known = TemplateDigest(subject=service, template="job <*> done", count=1, category=LogCategory.JOB)
    async with store.write() as tx:
        await tx.incidents.add(incident(f"inc_{service}", service=service))
        await tx.evidence.add(
            Evidence(
                id=f"ev_{service}",
                incident_id=f"inc_{service}",
                kind=EvidenceKind.LOG,
                tool="log_digest",
                source="files",
                query="{}",
                window=WINDOW,
                subject=service,
                digest=Digest(summary="lines", templates=(*rows, known)),
            )
        )


def answering(request: ModelRequest) -> str:
    count = request.messages[-1].text.count(". zork")
    return json.dumps(
        {"labels": [{"number": n, "severity": "warning", "category": "data"} for n in range(1, count + 1)]}
    )


def study(store: Store, clock: ManualClock, model: ReciteModel, policy: DataPolicy | None = None) -> LogStudy:
    return LogStudy(store, {model.rung: model}, policy or DataPolicy(), clock)


async def test_each_template_is_asked_once_and_remembered(store: Store, clock: ManualClock) -> None:
    await keep(store, "cart", "zork <*>", "zork zork <*>")
    model = ReciteModel(actor=answering)
    watched = study(store, clock, model)
    assert await watched.study() == 2
    assert await watched.study() == 0
    assert len(model.requests) == 1
    page = await StoredTemplates(store).classes(TemplateQuery(service="cart", window=WINDOW))
    assert [(one.template, one.category, one.severity, one.rung) for one in page.classes] == [
        ("zork <*>", LogCategory.DATA, Severity.WARNING, Rung.LOCAL),
        ("zork zork <*>", LogCategory.DATA, Severity.WARNING, Rung.LOCAL),
    ]


async def test_what_another_service_knows_is_taken_over(store: Store, clock: ManualClock) -> None:
    await keep(store, "cart", "zork <*>")
    found = TemplateClass(template="zork <*>", severity=Severity.INFO, category=LogCategory.JOB, rung=Rung.LOCAL)
    async with store.write() as tx:
        await tx.templates.save("orders", [found])
    model = ReciteModel()
    assert await study(store, clock, model).study() == 0
    assert not model.requests
    async with store.read() as tx:
        assert await tx.templates.of_service("cart") == [found]


async def test_a_model_that_is_down_is_asked_again_later(store: Store, clock: ManualClock) -> None:
    await keep(store, "cart", "zork <*>")
    model = ReciteModel([ModelUnavailable("down")], answering)
    watched = study(store, clock, model)
    assert await watched.study() == 0
    assert await watched.study() == 1


async def test_a_service_whose_data_stays_does_not_keep_others_waiting(store: Store, clock: ManualClock) -> None:
    await keep(store, "cart", *(f"zork zork{'k' * number} <*>" for number in range(90)))
    await keep(store, "orders", "zork <*>")
    policy = DataPolicy(local=RungPrivacy(services={"cart": False}))
    model = ReciteModel(actor=answering)
    assert await study(store, clock, model, policy).study() == 1
    (request,) = model.requests
    assert request.purpose.service == "orders"


async def test_what_was_found_long_ago_is_asked_again(store: Store, clock: ManualClock) -> None:
    await keep(store, "cart", "zork <*>")
    model = ReciteModel(actor=answering)
    assert await study(store, clock, model).study() == 1
    clock.advance(KEPT.total_seconds() + 1)
    assert await study(store, clock, model).study() == 1


async def test_without_models_nothing_is_done(store: Store, clock: ManualClock) -> None:
    await keep(store, "cart", "zork <*>")
    assert await LogStudy(store, {}, DataPolicy(), clock).study() == 0


async def test_a_local_model_labels_over_the_wire(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    await keep(store, "cart", "zork <*>")
    script = Script.of({"labels": [{"number": 1, "severity": "warning", "category": "data"}]})
    async with ollama_server(script) as fake:
        settings = Settings(data_dir=tmp_path, models=ModelsSettings(local=LocalSettings(url=fake.url)))
        async with open_models(settings, clock) as clients:
            models = model_rungs(clients, settings, store, clock)
            assert await LogStudy(store, models, settings.privacy, clock).study() == 1
    script.check()
    assert script.requests[0]["model"] == "phi3:medium"


async def test_the_app_studies_templates_where_there_are_models(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def run(study: LogStudy) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(LogStudy, "run", run)
    settings = Settings(data_dir=tmp_path)
    await upgrade(settings.store_url)
    async with open_app(settings, clock=clock) as app:
        async with app.running(watch=False):
            await asyncio.sleep(0)
        assert not begun.is_set()
        asking = replace(app, models={Rung.LOCAL: ReciteModel()})
        async with asking.running(watch=False):
            await asyncio.wait_for(begun.wait(), 10)
