"""`quell policy`: what Quell may do, and the switch that stops all of it."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.backend import ask, user
from app.cli.options import JsonOption, ServerOption
from app.cli.output import emit, line, pairs, table
from app.operations import policy as operations
from app.operations.outputs import PolicyState

policy = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What Quell may do.")

ReasonOption = Annotated[str, typer.Option(help="For the audit trail.")]


@policy.command()
def show(server: ServerOption = "", as_json: JsonOption = False) -> None:
    """Show the action policy, and whether all actions are stopped."""
    emit(ask(server, operations.show_policy), as_json, _render)


@policy.command()
def stop(reason: ReasonOption = "", server: ServerOption = "", as_json: JsonOption = False) -> None:
    """Pull the kill switch: nothing is carried out until `quell policy resume`."""
    emit(ask(server, operations.stop_all_actions, by=user(), reason=reason), as_json, _render_switch)


@policy.command()
def resume(reason: ReasonOption = "", server: ServerOption = "", as_json: JsonOption = False) -> None:
    """Release the kill switch."""
    emit(ask(server, operations.resume_actions, by=user(), reason=reason), as_json, _render_switch)


def _render_switch(state: PolicyState) -> None:
    line("all actions are stopped" if state.stopped else "actions follow the policy")


def _render(state: PolicyState) -> None:
    _render_switch(state)
    rules = state.policy
    pairs(
        (
            ("policy", state.source),
            ("actions an hour", rules.max_actions_per_hour),
            ("cooldown", f"{rules.cooldown_seconds:g} s"),
            ("attempts", rules.max_attempts),
            ("otherwise", rules.default),
        )
    )
    rows = [
        (r.name, r.effect, ", ".join(r.actions), ", ".join(r.services), ", ".join(r.kinds), r.why) for r in rules.rules
    ]
    table(("RULE", "EFFECT", "ACTIONS", "SERVICES", "KINDS", "WHY"), rows, empty="no rules")
