"""The graphs as a LangGraph server runs them: from an alert, read-only, in a store of their own.

`langgraph dev` takes and gives JSON, and shows every step; ports of a run cannot come that way: each run opens its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from pydantic import Field
from typing_extensions import TypedDict

from agents.data_policy import may_leave
from agents.fencing import Stranger, fence, harmless
from agents.grounding import existing, ground
from agents.looking.calls import Desk
from agents.looking.progress import begun, looked
from agents.prompting import bounded, load
from agents.redaction import Redactor
from agents.rungs.schema import read_response, response_schema
from agents.rungs.showing import by_id
from core.errors import DataStays, ModelUnavailable
from core.llm import ModelRequest, ModelTask, Purpose
from core.models import Alert, Incident, Model, Rung
from core.ports import ChatModel
from graphs.asking import IncidentTools
from graphs.context import IncidentContext
from graphs.incident import build_incident_graph
from graphs.investigation import concluded
from graphs.looking import LookingContext, LookingState, build_looking_graph
from graphs.state import IncidentState
from tools.context import windows

MAX_SECTION_TOKENS = 800
ASKED_RUNGS = (Rung.LOCAL, Rung.FRONTIER)


@dataclass(frozen=True, slots=True)
class Opened:
    """An alert's incident in a store of its own, and the context of a run that only reads."""

    incident: Incident
    alerts: tuple[Alert, ...]
    context: IncidentContext


Open = Callable[[dict[str, Any]], AbstractAsyncContextManager[Opened]]
"""From an alert as Alertmanager posts it, alone or in a payload. Raises InvalidInput when it is none."""


class InvestigationState(TypedDict):
    """An alert in, an `graphs.investigation.Investigation` as JSON out."""

    alert: dict[str, Any]
    investigation: NotRequired[dict[str, Any]]


class QuestionState(TypedDict):
    """An alert and a question in, an answer with the evidence behind it as JSON out."""

    alert: dict[str, Any]
    question: str
    answer: NotRequired[dict[str, Any]]


class FreeAnswer(Model):
    """What a model says to a question."""

    answer: str
    cites: tuple[str, ...] = Field(description="evidence ids")
    confidence: float = Field(ge=0, le=1)


ServedGraph = CompiledStateGraph[Any, Any, Any, Any]


def build_served_incident(open_world: Open) -> ServedGraph:
    """The incident graph for a LangGraph server: nothing is acted on, and no trace stays in Quell's store."""
    incident_graph = build_incident_graph()

    async def incident(state: InvestigationState) -> dict[str, Any]:
        async with open_world(state["alert"]) as opened:
            begin: IncidentState = {"incident": opened.incident}
            ended: IncidentState = await incident_graph.ainvoke(begin, context=opened.context)  # type: ignore[assignment]
            found = await concluded(opened.context.store, ended, opened.alerts)
        return {"investigation": found.model_dump(mode="json")}

    graph = StateGraph(InvestigationState)
    graph.add_node("incident", incident)
    graph.add_edge(START, "incident")
    graph.add_edge("incident", END)
    return graph.compile(name="incident")


def build_served_looking(open_world: Open) -> ServedGraph:
    """The loop for a LangGraph server: a question about an alert, which a model answers by looking."""
    looking_graph = build_looking_graph(checkpoints=True)

    async def looking(state: QuestionState) -> dict[str, Any]:
        async with open_world(state["alert"]) as opened:
            model = _model(opened.context)
            run = _run_state(opened)
            policy = opened.context.data_policy
            redactor = Redactor.of(policy.of(model.rung))
            desk = Desk(
                IncidentTools(run, opened.context), redactor, lambda name: may_leave(policy, model.rung, (name,))
            )
            about = {opened.incident.service, *(alert.service for alert in opened.alerts if alert.service)}
            if why := may_leave(policy, model.rung, about):
                raise DataStays(why, fix=f"change privacy.{model.rung}")
            begin: LookingState = {"progress": begun(_question(state["question"], run, opened, desk))}
            ended = await looking_graph.ainvoke(begin, context=LookingContext(model, desk))
            found = looked(ended["progress"])
        said = read_response(found.reply.text, FreeAnswer, {}, redactor.restore)
        seen = by_id(found.evidence)
        story = ground(said.answer, seen, cites=said.cites)
        return {
            "answer": {
                "answer": story.text,
                "cites": list(existing((*said.cites, *story.cites), seen)[0]),
                "confidence": said.confidence,
                "evidence": [each.model_dump(mode="json") for each in found.evidence],
                "notes": list(found.reply.notes),
            }
        }

    graph = StateGraph(QuestionState)
    graph.add_node("looking", looking)
    graph.add_edge(START, "looking")
    graph.add_edge("looking", END)
    return graph.compile(name="looking")


def _model(context: IncidentContext) -> ChatModel:
    found = next((context.models[rung] for rung in ASKED_RUNGS if rung in context.models), None)
    if found is None:
        raise ModelUnavailable("no language model is configured", fix="set OLLAMA_HOST or OPENAI_API_KEY")
    return found


def _run_state(opened: Opened) -> IncidentState:
    window, baseline = windows(opened.context.clock.now(), opened.alerts, opened.context.analysis)
    return {"incident": opened.incident, "alerts": opened.alerts, "window": window, "baseline": baseline}


def _question(question: str, run: IncidentState, opened: Opened, desk: Desk) -> ModelRequest:
    service = opened.incident.service
    alerts = [f"{each.name} on {each.service}: {each.annotations.get('summary', '')}" for each in run["alerts"]]
    rendered = load("question").render(
        question=harmless(desk.redactor.hide(question)),
        symptom=service or "unknown",
        window=f"{run['window'].start:%H:%M:%S} to {run['window'].end:%H:%M:%S} UTC",
        alerts=fence(desk.redactor.hide(bounded(alerts, MAX_SECTION_TOKENS, "alerts")), Stranger.ANNOTATION),
        services=bounded(opened.context.inventory.neighbourhood(service), MAX_SECTION_TOKENS, "services"),
    )
    return ModelRequest(
        task=ModelTask.RCA,
        messages=rendered.messages,
        response_schema=response_schema(FreeAnswer, {}),
        purpose=Purpose(agent="question", incident_id=opened.incident.id, service=service),
    )
