"""Unknown templates of stored evidence are classified once, by a model that may be told."""

from __future__ import annotations

import json
from datetime import timedelta

from agents.data_policy import DataPolicy, RungPrivacy
from app.log_study import LogStudy
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
from stores.store import Store
from tests.fakes.chat import ReciteModel
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


async def test_without_models_nothing_is_done(store: Store, clock: ManualClock) -> None:
    await keep(store, "cart", "zork <*>")
    assert await LogStudy(store, {}, DataPolicy(), clock).study() == 0
