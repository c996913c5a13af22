"""The agents as their specs declare them."""

from __future__ import annotations

from typing import Any

from agents.catalogue import ALL
from agents.looking.context import RECALL
from agents.prompting import load
from agents.rungs.schema import response_schema
from agents.spec import AgentSpec, Prompted, Studied
from app.operations.outputs import AgentDetail, AgentList, AgentPrompt, AgentSummary
from core.errors import NotFound
from core.models import Rung
from core.tokens import tokens
from tools.registry import QUERIES


def list_agents() -> AgentList:
    """Every agent, in the order in which an incident meets them."""
    return AgentList(agents=tuple(AgentSummary(**_summary(spec)) for spec in ALL))


def show_agent(name: str) -> AgentDetail:
    """All that is declared of the agent of that name.

    Raises:
        NotFound: there is none.
    """
    spec = next((each for each in ALL if each.name == name), None)
    if spec is None:
        raise NotFound(f"no agent {name!r}", fix=f"use one of {', '.join(each.name for each in ALL)}")
    return AgentDetail(
        **_summary(spec),
        rules_seconds=spec.budget.rung_seconds,
        cost_usd=spec.budget.cost_usd,
        prompt=_prompt(spec.prompted or spec.studied),
        output_schema=spec.output.model_json_schema(mode="serialization"),
    )


def rungs_of(spec: AgentSpec[Any, Any]) -> tuple[Rung, ...]:
    """The steps of the ladder that may answer for it, where a model is configured."""
    models = (Rung.LOCAL, Rung.FRONTIER) if spec.prompted or spec.studied else ()
    return tuple(dict.fromkeys((*spec.rungs, *models)))


def _summary(spec: AgentSpec[Any, Any]) -> dict[str, Any]:
    return {
        "name": spec.name,
        "version": spec.version,
        "description": spec.description,
        "input": spec.input.__name__,
        "output": spec.output.__name__,
        "tools": spec.tools,
        "rungs": tuple(rung.value for rung in rungs_of(spec)),
    }


def _prompt(prompted: Prompted[Any, Any] | Studied | None) -> AgentPrompt | None:
    if prompted is None:
        return None
    decides = prompted if isinstance(prompted, Prompted) else None
    wording = load(prompted.prompt)
    return AgentPrompt(
        task=prompted.task,
        file=f"agents/prompts/{prompted.prompt}.md",
        hash=wording.hash,
        tokens=tokens(f"{wording.shared}\n\n{wording.own}"),
        variables=tuple(sorted(wording.variables)),
        max_output_tokens=prompted.max_output_tokens,
        verified=decides is not None and decides.verified,
        may_call=(*QUERIES, RECALL.name) if decides and decides.looks else (),
        decides=decides is not None,
        response_schema=response_schema(prompted.response, {}),
    )
