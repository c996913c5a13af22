"""What a model may ask about an incident: registered queries on known services, kept before they are told."""

from __future__ import annotations

import json

import pytest

from agents.redaction import Redactor
from core.errors import InvalidInput, SourceUnavailable
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker
from core.models import Window
from core.models.incidents import Incident
from graphs.asking import IncidentTools, looker
from graphs.context import IncidentContext
from graphs.state import IncidentState
from tests.fakes.chat import ReciteModel
from tests.graphs.conftest import Bench
from tests.tools.world import Traces
from tools.context import windows

SCHEMA = {"type": "object", "properties": {"cause": {"type": "string"}}, "required": ["cause"]}


async def run_of(bench: Bench) -> tuple[IncidentState, IncidentContext]:
    """The bench's incident, about to be diagnosed."""
    incident: Incident = await bench.incident()
    async with bench.store.read() as tx:
        alerts = tuple(await tx.alerts.of_incident(incident.id))
    context = bench.context(await bench.lease())
    window, baseline = windows(bench.clock.now(), alerts, context.analysis)
    state: IncidentState = {"incident": incident, "alerts": alerts, "window": window, "baseline": baseline}
    return state, context


async def tools(bench: Bench) -> IncidentTools:
    """What a model may ask about it."""
    return IncidentTools(*await run_of(bench))


async def kept(bench: Bench) -> dict[str, list[str]]:
    """Evidence ids in the store, with the ports that were asked for each."""
    async with bench.store.read() as tx:
        ids = await tx.evidence.ids("inc_1")
        recordings = await tx.recordings.of_incident("inc_1")
    return {each: [call.port for call in recordings if call.evidence_id == each] for each in ids}


async def test_what_was_looked_at_is_kept_with_the_answers_behind_it(bench: Bench) -> None:
    box = await tools(bench)
    found = await box.look("service_state", {"service": "leaf"}, last_try=False)
    assert found.digest.summary == "leaf is exited"
    assert await kept(bench) == {found.id: ["state"]}
    assert await box.recall(found.id) == found


async def test_a_question_is_asked_once_and_answered_from_the_store_afterwards(bench: Bench) -> None:
    box = await tools(bench)
    first = await box.look("metric_digest", {"service": "leaf", "signal": "up"}, last_try=False)
    bench.metrics.fault_at += 3_600  # the source would say something else now
    assert await box.look("metric_digest", {"service": "leaf", "signal": "up"}, last_try=False) == first


@pytest.mark.parametrize("name", ["restart", "stop", "recall_result", "shell"])
async def test_nothing_but_registered_queries_can_be_reached(bench: Bench, name: str) -> None:
    box = await tools(bench)
    assert name not in {each.name for each in box.specs}
    with pytest.raises(InvalidInput, match="use one of metric_digest"):
        await box.look(name, {"service": "leaf"}, last_try=True)
    assert not bench.remedy.acted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"service": "laef"}, r"no service 'laef' in the inventory \(it knows, among others, leaf"),
        ({"service": "/etc/passwd"}, r"no service .* \(it knows, among others, edge, leaf\)"),
        ({"service": ["leaf"]}, "parameters.service"),
        ({"service": "leaf", "shell": "id"}, "parameters.shell"),
        ({}, "parameters.service"),
    ],
)
async def test_a_service_outside_the_inventory_or_a_wrong_parameter_is_refused(
    bench: Bench, arguments: dict[str, object], message: str
) -> None:
    box = await tools(bench)
    with pytest.raises(InvalidInput, match=message):
        await box.look("service_state", arguments, last_try=True)
    assert await kept(bench) == {}


async def test_every_tool_that_names_a_service_refuses_unknown_ones(bench: Bench) -> None:
    bench.traces = Traces()
    box = await tools(bench)
    about = [each for each in box.specs if "service" in each.parameters["properties"]]
    assert len(about) == 6
    for tool in about:
        with pytest.raises(InvalidInput, match="nowhere"):
            await box.look(tool.name, {"service": "nowhere", "signal": "up"}, last_try=True)


async def test_only_what_can_be_answered_here_is_offered(bench: Bench) -> None:
    names = {each.name: each for each in (await tools(bench)).specs}
    assert "trace_digest" not in names
    assert "logs" not in names["metric_digest"].parameters["properties"]["signal"]["enum"]
    assert "up" in names["metric_digest"].parameters["properties"]["signal"]["enum"]


async def test_a_source_that_is_away_leaves_nothing_before_the_last_try(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise SourceUnavailable("connection refused", fix="start it")

    monkeypatch.setattr(bench.metrics, "query", away)
    box = await tools(bench)
    with pytest.raises(SourceUnavailable, match="connection refused"):
        await box.look("metric_digest", {"service": "leaf", "signal": "up"}, last_try=False)
    assert await kept(bench) == {}
    found = await box.look("metric_digest", {"service": "leaf", "signal": "up"}, last_try=True)
    assert found.error == "connection refused (start it)"
    assert set(await kept(bench)) == {found.id}


async def test_evidence_of_another_incident_cannot_be_recalled(bench: Bench) -> None:
    box = await tools(bench)
    found = await box.look("service_state", {"service": "leaf"}, last_try=False)
    async with bench.store.write() as tx:
        await tx.incidents.add((await tx.incidents.get("inc_1")).model_copy(update={"id": "inc_2"}))
        window = Window(start=bench.clock.now(), end=bench.clock.now())
        await tx.evidence.add(found.model_copy(update={"id": "ev_other", "incident_id": "inc_2", "window": window}))
    with pytest.raises(InvalidInput, match="no evidence 'ev_other'"):
        await box.recall("ev_other")


async def test_a_look_ends_with_an_answer_that_cites_what_is_in_the_store(bench: Bench) -> None:
    state, context = await run_of(bench)
    calls = (("service_state", '{"service": "leaf"}'), ("recent_changes", '{"service": "leaf"}'))
    model = ReciteModel([calls, '{"cause": "leaf"}'])
    asked = ModelRequest(
        task=ModelTask.RCA,
        messages=(Message(speaker=Speaker.USER, text="Why?"),),
        response_schema=SCHEMA,
        purpose=Purpose(agent="rca", incident_id="inc_1"),
    )
    found = await looker(state, context)(model, asked, Redactor(), lambda service: None)
    assert json.loads(found.reply.text) == {"cause": "leaf"}
    assert {each.id for each in found.evidence} == set(await kept(bench))
    assert not bench.remedy.acted
