"""`quell config`: write, check and show the configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import JsonOption, chosen_file
from app.cli.output import emit, line, table
from app.operations import configuration as operations
from app.operations.outputs import ConfigListing, ConfigReport

config = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="quell.yaml, the environment and flags.")


@config.command()
def init(
    path: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.")] = Path("quell.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented quell.yaml to start from."""
    operations.write_example(path, replace=force)
    line("wrote", path, "- check it with `quell config validate`, then `quell doctor`")


@config.command()
def validate(as_json: JsonOption = False) -> None:
    """Say what is wrong with the configuration, where, and how to fix it; exit 2 when something is."""
    report = operations.validate(chosen_file())
    emit(report, as_json, _render_report)
    if not report.ok:
        raise typer.Exit(2)


@config.command()
def show(as_json: JsonOption = False) -> None:
    """Show every setting and where it came from; secrets are hidden."""
    emit(operations.listing(chosen_file()), as_json, _render_listing)


@config.command()
def schema() -> None:
    """Print the JSON Schema of quell.yaml."""
    print(json.dumps(operations.schema(), indent=2))


def _render_report(report: ConfigReport) -> None:
    for problem in report.problems:
        line(f"{problem}: {problem.fix}")
    if report.ok:
        line("ok:", report.file or "no file, defaults and environment")


def _render_listing(found: ConfigListing) -> None:
    table(("KEY", "VALUE", "FROM"), [(each.key, each.value, each.origin) for each in found.values], empty="")
