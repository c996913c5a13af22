"""`quell db`: migrations."""

from __future__ import annotations

import asyncio

import typer

from app.cli.options import JsonOption, load_settings
from app.cli.output import emit, line
from app.operations.database import migrate, schema_status
from app.operations.outputs import SchemaStatus

db = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The database.")


@db.command()
def upgrade(as_json: JsonOption = False) -> None:
    """Create the database if there is none, and bring it to the newest schema."""
    emit(asyncio.run(migrate(load_settings())), as_json, _render)


@db.command()
def status(as_json: JsonOption = False) -> None:
    """Say which schema the database has; exit 1 when it is not the newest."""
    found = asyncio.run(schema_status(load_settings()))
    emit(found, as_json, _render)
    if not found.up_to_date:
        raise typer.Exit(1)


def _render(found: SchemaStatus) -> None:
    if found.up_to_date:
        line("the database is up to date, at revision", found.current)
    else:
        line(
            f"the database is at revision {found.current or 'none'}, the newest is {found.head}: run `quell db upgrade`"
        )
