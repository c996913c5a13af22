"""The agents as their specs declare them."""

from __future__ import annotations

from agents.catalogue import ALL
from app.operations.outputs import AgentList, AgentSummary


def list_agents() -> AgentList:
    """Every agent, in the order in which an incident meets them."""
    return AgentList(
        agents=tuple(
            AgentSummary(
                name=spec.name,
                version=spec.version,
                description=spec.description,
                input=spec.input.__name__,
                output=spec.output.__name__,
                tools=spec.tools,
                rungs=tuple(rung.value for rung in spec.rungs),
            )
            for spec in ALL
        )
    )
