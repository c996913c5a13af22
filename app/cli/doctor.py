"""`quell doctor`: every integration, one line each."""

from __future__ import annotations

import asyncio

import typer

from app.cli.options import JsonOption, chosen_file
from app.cli.output import emit, line, table
from app.operations.outputs import DoctorReport


def doctor(as_json: JsonOption = False) -> None:
    """Check every integration and say how to fix it; exit 1 when something that is configured is broken."""
    from app.doctor import examine

    report = asyncio.run(examine(chosen_file()))
    emit(report, as_json, _render)
    if not report.ok:
        raise typer.Exit(1)


def _render(report: DoctorReport) -> None:
    rows = []
    for check in report.checks:
        mark = "ok" if check.reachable else "BROKEN" if check.configured else "-"
        rows.append((mark, check.name, check.version, check.detail, check.fix))
    table(("", "INTEGRATION", "VERSION", "DETAIL", "FIX"), rows, empty="")
    line("all well" if report.ok else "something is broken: see FIX")
