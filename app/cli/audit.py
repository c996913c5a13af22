"""`quell audit`: the trail of what was done, and the proof that nobody changed it."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.backend import ask
from app.cli.options import JsonOption, LimitOption, ServerOption
from app.cli.output import emit, line, table, when
from app.operations import audit as operations
from app.operations.outputs import AuditPage
from stores.audit import AuditReport

audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who did what, in a chain of hashes.")


@audit.command()
def show(
    after: Annotated[int, typer.Option(min=0, help="Only entries after this sequence number.")] = 0,
    incident: Annotated[str | None, typer.Option(help="Only of this incident.")] = None,
    limit: LimitOption = 100,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show entries of the audit trail, oldest first."""
    emit(ask(server, operations.show_audit, after=after, limit=limit, incident=incident), as_json, _render_page)


@audit.command()
def verify(server: ServerOption = "", as_json: JsonOption = False) -> None:
    """Recompute the chain of hashes; exit 1 when it is broken."""
    report = ask(server, operations.verify_audit)
    emit(report, as_json, _render_report)
    if not report.ok:
        raise typer.Exit(1)


def _render_page(page: AuditPage) -> None:
    rows = [
        (
            entry.sequence,
            when(entry.at),
            entry.actor,
            entry.action,
            entry.subject,
            ", ".join(f"{key}={value}" for key, value in entry.detail.items()),
        )
        for entry in page.entries
    ]
    table(("#", "AT", "WHO", "WHAT", "SUBJECT", "DETAIL"), rows, empty="no entries")
    if page.next_after is not None:
        line(f"more: --after {page.next_after}")


def _render_report(report: AuditReport) -> None:
    if report.ok:
        line("ok:", report.entries, "entries, the chain is whole")
    else:
        where = f"at entry {report.broken_at}" if report.broken_at is not None else ""
        line("BROKEN", where, report.detail)
