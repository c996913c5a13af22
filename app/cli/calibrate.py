"""`quell calibrate`: let the confidence follow what became of the diagnoses."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.calibration.model import Quality, Refit
from app.cli.backend import ask, user
from app.cli.options import JsonOption, ServerOption
from app.cli.output import emit, line, table
from app.operations.calibration import calibrate as operation


def calibrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure only; take nothing.")] = False,
    server: ServerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Refit the confidence on recorded outcomes; the old fit stays until the new one is measured to be better."""
    emit(ask(server, operation, dry_run=dry_run, by=user()), as_json, _render)


def _render(result: Refit) -> None:
    line("taken:" if result.taken else "kept the old fit:", result.reason)
    rows = [_row(name, found) for name, found in (("old", result.old), ("new", result.new)) if found is not None]
    columns = ("FIT", "OUTCOMES", "RIGHT", "ECE", "90% INTERVAL", "BRIER", "SKILL")
    table(columns, rows, empty=f"{result.outcomes} judged outcomes")


def _row(name: str, found: Quality) -> tuple[object, ...]:
    interval = f"{found.ece_low:g} to {found.ece_high:g}"
    return (name, found.outcomes, f"{found.base_rate:.0%}", found.ece, interval, found.brier, found.skill)
