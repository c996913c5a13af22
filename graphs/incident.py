"""The incident graph. The end of this file reads as the diagram."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import RetryPolicy

from core.errors import QuellError
from graphs.context import IncidentContext
from graphs.nodes import closing, healing, investigation, opening
from graphs.routes import (
    after_act,
    after_approve,
    after_diagnose,
    after_guard,
    after_plan,
    after_recall,
    after_undo,
    after_verify,
)
from graphs.state import IncidentState
from graphs.steps import step

IncidentGraph = CompiledStateGraph[IncidentState, IncidentContext, IncidentState, IncidentState]


def worth_retrying(error: Exception) -> bool:
    """Whether a node may be run again: the error itself says so."""
    return isinstance(error, QuellError) and error.retryable


PATIENT = {"gather", "guard", "verify"}

RETRY = RetryPolicy(initial_interval=0.5, max_interval=8.0, max_attempts=4, retry_on=worth_retrying)


def build_incident_graph(
    checkpointer: BaseCheckpointSaver[str] | None = None,
    *,
    deadline_seconds: float = 120.0,
    patient_seconds: float = 180.0,
) -> IncidentGraph:
    """Compile the state machine; without a checkpointer it can be drawn but not resumed.

    Args:
        deadline_seconds: for any node.
        patient_seconds: added for the nodes that wait on purpose: `gather` for a further look, `guard` for a cooldown
            and for metrics that are away, `verify` for recovery.
    """
    graph: StateGraph[IncidentState, IncidentContext, Any, Any] = StateGraph(
        IncidentState, context_schema=IncidentContext
    )
    nodes = {
        "triage": opening.triage,
        "recall": opening.recall,
        "gather": investigation.gather,
        "detect": investigation.detect,
        "diagnose": investigation.diagnose,
        "plan": healing.plan,
        "guard": healing.guard,
        "approve": healing.approve,
        "act": healing.act,
        "verify": healing.verify,
        "undo": healing.undo,
        "learn": closing.learn,
        "report": closing.report,
    }
    for name, function in nodes.items():
        deadline = deadline_seconds + (patient_seconds if name in PATIENT else 0.0)
        graph.add_node(name, step(name, function), retry_policy=RETRY, timeout=deadline)

    graph.add_edge(START, "triage")
    graph.add_edge("triage", "recall")
    graph.add_conditional_edges("recall", after_recall, {"known": "plan", "unknown": "gather"})
    graph.add_edge("gather", "detect")
    graph.add_edge("detect", "diagnose")
    graph.add_conditional_edges("diagnose", after_diagnose, {"diagnosed": "plan", "look again": "gather"})
    graph.add_conditional_edges("plan", after_plan, {"proposed": "guard", "nothing to propose": "learn"})
    graph.add_conditional_edges("guard", after_guard, {"allow": "act", "ask": "approve", "deny": "learn"})
    graph.add_conditional_edges("approve", after_approve, {"approved": "guard", "not approved": "learn"})
    graph.add_conditional_edges(
        "act", after_act, {"done": "verify", "busy": "guard", "failed": "plan", "ended": "learn"}
    )
    graph.add_conditional_edges("verify", after_verify, {"recovered or unreadable": "learn", "not recovered": "undo"})
    graph.add_conditional_edges("undo", after_undo, {"try another": "plan", "ended": "learn"})
    graph.add_edge("learn", "report")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=checkpointer, name="incident")


def diagram() -> str:
    """The state machine as Mermaid; the README shows exactly this."""
    return build_incident_graph().get_graph().draw_mermaid()
