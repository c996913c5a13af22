"""`quell agents`: who decides."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.options import JsonOption
from app.cli.output import emit, line, table
from app.operations.agents import list_agents, show_agent
from app.operations.outputs import AgentDetail, AgentList

agents = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The agents that decide.")


@agents.callback()
def _group() -> None:
    """The agents that decide."""


@agents.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the agents, what they take and give, and which rungs answer."""
    emit(list_agents(), as_json, _render)


@agents.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of `quell agents list`.")],
    as_json: JsonOption = False,
) -> None:
    """Show one agent: its rungs, budget, prompt, what its model may call, and the schemas of its answers."""
    emit(show_agent(name), as_json, _render_one)


def _render(found: AgentList) -> None:
    rows = [
        (a.name, a.version, f"{a.input} -> {a.output}", ", ".join(a.rungs), ", ".join(a.tools), a.description)
        for a in found.agents
    ]
    table(("NAME", "VERSION", "ANSWERS", "RUNGS", "RESTS ON", "DOES"), rows, empty="no agents")


def _render_one(found: AgentDetail) -> None:
    line(found.name, found.version)
    line(found.description)
    line("answers     ", f"{found.input} -> {found.output}")
    line("rungs       ", ", ".join(found.rungs))
    line("rests on    ", ", ".join(found.tools))
    line("budget      ", f"{found.rules_seconds:g} s for the rules, no further rung above {found.cost_usd:g} USD")
    if found.prompt is None:
        line("prompt      ", "none: no language model is asked")
    else:
        prompt = found.prompt
        line("task        ", prompt.task if prompt.decides else f"{prompt.task}, once no decision waits for it")
        line("prompt      ", f"{prompt.file}, {prompt.hash}, {prompt.tokens} tokens before it is filled in")
        line("filled with ", ", ".join(prompt.variables))
        line("may call    ", ", ".join(prompt.may_call) or "nothing: it answers from what the prompt shows")
        line("verified    ", "a second look may lower its confidence" if prompt.verified else "no second look")
        line("model writes", _fields(prompt.response_schema), f"(at most {prompt.max_output_tokens} tokens)")
    line("answer holds", _fields(found.output_schema))
    line("schemas     ", f"quell agents show {found.name} --json")


def _fields(schema: dict[str, Any]) -> str:
    return ", ".join(schema["properties"])
