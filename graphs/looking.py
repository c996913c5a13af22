"""The loop in which a model looks further: it asks, its calls are answered, and it must end with an answer.

The end of `build_looking_graph` reads as the diagram.
"""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import InstanceOf
from typing_extensions import TypedDict

from agents.looking.calls import Desk, answer_calls
from agents.looking.context import has_room, last_request, may_go_on, next_request
from agents.looking.progress import Looked, Progress, begun, heard, is_answer, looked
from core.llm import ModelRequest
from core.ports import ChatModel


class LookingState(TypedDict):
    """One look; it lives as long as the node that it is part of."""

    progress: InstanceOf[Progress]


@dataclass(frozen=True, slots=True)
class LookingContext:
    """Who looks, and with what."""

    model: ChatModel
    desk: Desk


LookingGraph = CompiledStateGraph[LookingState, LookingContext, LookingState, LookingState]
LookingRuntime = Runtime[LookingContext]


async def ask(state: LookingState, *, runtime: LookingRuntime) -> dict[str, Any]:
    """The model with the tools bound. Clients leave them out for models that have no tools: those answer at once."""
    desk = runtime.context.desk
    request = next_request(state["progress"], desk.toolbox.specs, desk.bounds)
    return {"progress": heard(state["progress"], await runtime.context.model.complete(request))}


async def look(state: LookingState, *, runtime: LookingRuntime) -> dict[str, Any]:
    """Its calls, side by side."""
    return {"progress": await answer_calls(state["progress"], runtime.context.desk)}


async def conclude(state: LookingState, *, runtime: LookingRuntime) -> dict[str, Any]:
    """The model without tools: it must answer by the schema."""
    request = last_request(state["progress"], runtime.context.desk.bounds)
    return {"progress": heard(state["progress"], await runtime.context.model.complete(request))}


def at_first(state: LookingState, runtime: LookingRuntime) -> str:
    """Whether tools fit the prompt at all."""
    desk = runtime.context.desk
    return "tools" if has_room(state["progress"], desk.toolbox.specs, desk.bounds) else "no room for tools"


def after_ask(state: LookingState) -> str:
    """Calls are answered; text that is no structured answer is asked for once more, with the schema alone."""
    progress = state["progress"]
    if progress.pending:
        return "calls"
    return "answer" if is_answer(progress.messages[-1].text, progress.request) else "no answer"


def after_look(state: LookingState, runtime: LookingRuntime) -> str:
    """Whether the bounds of steps and tokens leave room for another turn."""
    desk = runtime.context.desk
    return "more" if may_go_on(state["progress"], desk.toolbox.specs, desk.bounds) else "enough"


def build_looking_graph(*, checkpoints: bool = False) -> LookingGraph:
    """Compile the loop.

    Args:
        checkpoints: take those of the graph around it, so that its steps are shown there. Without, the node that it
            runs in is run again as a whole.
    """
    graph: StateGraph[LookingState, LookingContext, Any, Any] = StateGraph(LookingState, context_schema=LookingContext)
    graph.add_node("ask", ask)
    graph.add_node("look", look)
    graph.add_node("conclude", conclude)

    graph.add_conditional_edges(START, at_first, {"tools": "ask", "no room for tools": "conclude"})
    graph.add_conditional_edges("ask", after_ask, {"calls": "look", "answer": END, "no answer": "conclude"})
    graph.add_conditional_edges("look", after_look, {"more": "ask", "enough": "conclude"})
    graph.add_edge("conclude", END)
    return graph.compile(checkpointer=None if checkpoints else False, name="looking")


_GRAPH = build_looking_graph()


async def look_further(model: ChatModel, request: ModelRequest, desk: Desk) -> Looked:
    """A model's answer to the request, after it asked for as much evidence as the bounds of the desk allow.

    Args:
        request: hidden and fenced already, by the redactor of the desk; its answer comes back still hidden.

    Raises:
        ModelError, SourceRejected: as `core.ports.ChatModel.complete`, at any turn.
        LeaseLost: another worker took the incident over while evidence was kept.
    """
    begin: LookingState = {"progress": begun(request)}
    config: RunnableConfig = {"recursion_limit": 2 * desk.bounds.steps + 3}
    alone = contextvars.copy_context()
    alone.run(var_child_runnable_config.set, None)  # a graph around it would have it wait for its checkpoints
    run = _GRAPH.ainvoke(begin, config, context=LookingContext(model, desk))
    ended = await asyncio.create_task(run, context=alone)
    return looked(ended["progress"])
