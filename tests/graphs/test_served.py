"""The graphs that langgraph.json names, loaded and run as `langgraph dev` does: JSON in, JSON out, nothing acted on."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph.state import CompiledStateGraph

from agents.data_policy import DataPolicy, FrontierPrivacy, RungPrivacy
from app import served_graphs
from core.errors import DataStays, ModelUnavailable
from core.models import Rung
from core.ports import ChatModel
from graphs.incident import build_incident_graph
from graphs.looking import build_looking_graph
from graphs.scratch import ObservingRemedy
from graphs.served import Opened, build_served_incident, build_served_looking
from tests.fakes.chat import ReciteModel
from tests.graphs.conftest import Bench

ROOT = Path(served_graphs.__file__).parents[1]
CONFIG: dict[str, Any] = json.loads((ROOT / "langgraph.json").read_text())
ALERT = {"labels": {"alertname": "EdgeErrors", "service": "edge"}, "startsAt": "2026-03-03T12:00:00Z"}
ANSWER = {"answer": "leaf was killed 7 times [ev_invented00000].", "cites": ["ev_invented"], "confidence": 0.9}


def world(bench: Bench, models: Mapping[Rung, ChatModel] | None = None, policy: DataPolicy | None = None) -> Any:
    """Opens the bench's incident for a run that only reads."""

    @asynccontextmanager
    async def opened(alert: dict[str, Any]) -> AsyncIterator[Opened]:
        assert alert == ALERT
        remedy = ObservingRemedy(bench.clock)
        context = replace(
            bench.context(await bench.lease()),
            remedy=remedy,
            models=models or {},
            data_policy=policy or DataPolicy(),
            max_looks=1,
        )
        async with bench.store.read() as tx:
            alerts = tuple(await tx.alerts.of_incident("inc_1"))
        yield Opened(await bench.incident(), alerts, context)

    return opened


def test_the_file_has_what_the_format_requires_and_nothing_else() -> None:
    assert set(CONFIG) == {"$schema", "python_version", "dependencies", "graphs"}
    assert CONFIG["python_version"] in {"3.11", "3.12", "3.13"}
    assert CONFIG["dependencies"] == ["."]
    assert (ROOT / "pyproject.toml").is_file(), "what the dependency `.` is installed from"
    assert set(CONFIG["graphs"]) == {"incident", "looking"}


@pytest.mark.parametrize("name", sorted(CONFIG["graphs"]))
def test_every_entry_imports_and_compiles_without_arguments(name: str) -> None:
    module, _, attribute = CONFIG["graphs"][name].partition(":")
    factory = getattr(importlib.import_module(module), attribute)
    assert not inspect.signature(factory).parameters
    graph = factory()
    assert isinstance(graph, CompiledStateGraph)
    assert graph.name == name
    assert graph.checkpointer is None, "the server brings its own"
    for schema in (graph.get_input_jsonschema(), graph.get_output_jsonschema()):
        assert "alert" in json.loads(json.dumps(schema))["properties"]


@pytest.mark.parametrize(
    ("served", "inner"), [(served_graphs.incident, build_incident_graph), (served_graphs.looking, build_looking_graph)]
)
def test_a_client_sees_the_steps_of_the_graph_within(served: Any, inner: Any) -> None:
    ((_, found),) = served().get_subgraphs()
    assert set(found.nodes) == set(inner().nodes)


async def test_an_alert_becomes_an_investigation_and_nothing_is_done(bench: Bench) -> None:
    ended = await build_served_incident(world(bench)).ainvoke({"alert": ALERT})
    found = json.loads(json.dumps(ended["investigation"]))
    assert found["diagnosis"]["hypotheses"][0]["service"] == "leaf"
    assert found["would_do"][0]["action"] == "start"
    assert not bench.remedy.acted


async def test_a_question_is_answered_by_a_model_that_looks(bench: Bench) -> None:
    call = (("service_state", '{"service": "leaf"}'),)
    model = ReciteModel([call, json.dumps(ANSWER)])
    graph = build_served_looking(world(bench, {Rung.LOCAL: model}))
    answer = (await graph.ainvoke({"alert": ALERT, "question": "Why is edge failing?"}))["answer"]
    assert answer["answer"].startswith("leaf was killed 7")
    assert "ev_invented" not in answer["answer"]
    assert answer["answer"] != "leaf was killed 7 times.", "no evidence shows the number"
    assert answer["cites"] == []
    assert answer["evidence"][0]["digest"]["summary"] == "leaf is exited"
    assert "Why is edge failing?" in model.requests[0].messages[1].text


async def test_without_a_model_a_question_is_refused(bench: Bench) -> None:
    with pytest.raises(ModelUnavailable, match="no language model is configured"):
        await build_served_looking(world(bench)).ainvoke({"alert": ALERT, "question": "Why?"})


async def test_a_question_about_data_that_must_stay_is_refused(bench: Bench) -> None:
    model = ReciteModel(rung=Rung.FRONTIER)
    policy = DataPolicy(local=RungPrivacy(), frontier=FrontierPrivacy(services={"edge": False}))
    with pytest.raises(DataStays, match="edge"):
        await build_served_looking(world(bench, {Rung.FRONTIER: model}, policy)).ainvoke(
            {"alert": ALERT, "question": "Why?"}
        )
    assert not model.requests
