"""`quell approve` and `quell reject`: the answer to a question that Quell asks before it acts."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.backend import ask, user
from app.cli.options import JsonOption, ServerOption
from app.cli.output import emit, line, table, when
from app.operations import approvals as operations
from app.operations.outputs import ApprovalList
from core.models import Approval, ApprovalState

NoteOption = Annotated[str, typer.Option(help="A remark for the record.")]


def approve(
    approval_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of the approval or its incident; without it: what waits.")
    ] = None,
    note: NoteOption = "",
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Approve a proposed action; without an ID, list what waits for an answer."""
    if approval_id is None:
        waiting = ask(server, operations.list_approvals, state=ApprovalState.PENDING)
        emit(waiting, as_json, _render_waiting)
    else:
        answer = ask(server, operations.approve, approval_id=approval_id, by=user(), note=note)
        emit(answer, as_json, _render_answer)


def reject(
    approval_id: Annotated[str, typer.Argument(metavar="ID", help="Of the approval or its incident.")],
    note: NoteOption = "",
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Reject a proposed action."""
    answer = ask(server, operations.reject, approval_id=approval_id, by=user(), note=note)
    emit(answer, as_json, _render_answer)


def _render_waiting(found: ApprovalList) -> None:
    rows = [
        (
            a.id,
            a.incident_id,
            f"{a.proposal.action} {a.proposal.service}",
            a.proposal.risk,
            when(a.requested_at),
            a.proposal.hypothesis,
        )
        for a in found.approvals
    ]
    table(("ID", "INCIDENT", "ACTION", "RISK", "ASKED", "BECAUSE"), rows, empty="nothing waits for an answer")


def _render_answer(approval: Approval) -> None:
    line(
        approval.id,
        approval.state,
        "by",
        approval.decided_by + ":",
        approval.proposal.action,
        approval.proposal.service,
    )
