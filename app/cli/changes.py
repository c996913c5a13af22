"""`quell changes`: what was changed, as a pipeline or a person reports it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.backend import ask, user
from app.cli.options import JsonOption, LimitOption, ServerOption, moment
from app.cli.output import emit, line, table, when
from app.operations import changes as operations
from app.operations.outputs import ChangeList, KeptChanges
from core.changes import ChangeKind, ReportedChange
from core.errors import UsageError
from core.models import Change

MAX_DIFF_BYTES = 1_000_000

changes = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Deploys, flags, configuration and commits as suspects."
)


@changes.command()
def add(
    kind: Annotated[ChangeKind, typer.Option(help="What kind of change it is.")],
    service: Annotated[str, typer.Option(help="What was changed; empty for a commit that a deploy names.")] = "",
    reference: Annotated[str, typer.Option(help="Commit id, flag or ticket.")] = "",
    before: Annotated[str, typer.Option(help="Release or value before.")] = "",
    after: Annotated[str, typer.Option(help="Release or value after.")] = "",
    title: Annotated[str, typer.Option(help="One line for people.")] = "",
    diff: Annotated[Path | None, typer.Option(help="File with the diff; - reads standard input.")] = None,
    at: Annotated[str, typer.Option(help="When, in ISO 8601 with a time zone; empty: now.")] = "",
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Report one change; reported twice with the same time, it is kept once."""
    report = ReportedChange(
        service=service,
        kind=kind,
        at=moment(at),
        actor=user(),
        before=before,
        after=after,
        reference=reference,
        title=title,
        diff=_text(diff),
    )
    emit(ask(server, operations.report_changes, changes=[report]), as_json, _render_kept)


@changes.command("list")
def list_changes(
    service: Annotated[str, typer.Option(help="Only of this service.")] = "",
    limit: LimitOption = 50,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """List reported changes, oldest first."""
    emit(ask(server, operations.list_changes, service=service, limit=limit), as_json, _render_list)


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            return file.read(MAX_DIFF_BYTES).decode(errors="replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", fix="name a file with a diff") from error


def _render_kept(result: KeptChanges) -> None:
    line(result.kept, "kept,", result.known, "known already")
    for name in result.unknown_services:
        line(name, "is no service that Quell knows: `quell services list`")


def _step(change: Change) -> str:
    return f"{change.before or '?'} -> {change.after}" if change.after else ""


def _render_list(found: ChangeList) -> None:
    rows = [
        (when(one.at), one.service, one.kind, _step(one), one.reference, one.detail, one.actor) for one in found.changes
    ]
    columns = ("AT", "SERVICE", "KIND", "STEP", "REFERENCE", "TITLE", "BY")
    table(columns, rows, empty="no changes were reported: POST /api/changes, or `quell changes add`")
