"""`quell actions`: what was carried out."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.backend import ask
from app.cli.options import JsonOption, LimitOption, ServerOption
from app.cli.output import emit, table, when
from app.operations.actions import list_actions
from app.operations.outputs import ActionList


def actions(
    incident: Annotated[str | None, typer.Option(help="Only of this incident.")] = None,
    service: Annotated[str | None, typer.Option(help="Only on this service.")] = None,
    limit: LimitOption = 100,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the actions that were reserved, carried out and verified, newest first."""
    emit(ask(server, list_actions, incident=incident, service=service, limit=limit), as_json, _render)


def _render(found: ActionList) -> None:
    rows = [
        (
            action.id,
            action.incident_id,
            f"{action.proposal.action} {action.proposal.service}",
            action.state,
            action.verification.recovery if action.verification else "",
            when(action.reserved_at),
            action.outcome.detail if action.outcome else "",
        )
        for action in found.actions
    ]
    table(("ID", "INCIDENT", "ACTION", "STATE", "RECOVERY", "RESERVED", "DETAIL"), rows, empty="no actions")
