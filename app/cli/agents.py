"""`quell agents`: who decides."""

from __future__ import annotations

import typer

from app.cli.options import JsonOption
from app.cli.output import emit, table
from app.operations.agents import list_agents
from app.operations.outputs import AgentList

agents = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The agents that decide.")


@agents.callback()
def _group() -> None:
    """The agents that decide."""


@agents.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the agents, what they take and give, and which rungs answer."""
    emit(list_agents(), as_json, _render)


def _render(found: AgentList) -> None:
    rows = [
        (a.name, a.version, f"{a.input} -> {a.output}", ", ".join(a.rungs), ", ".join(a.tools), a.description)
        for a in found.agents
    ]
    table(("NAME", "VERSION", "ANSWERS", "RUNGS", "RESTS ON", "DOES"), rows, empty="no agents")
