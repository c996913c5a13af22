"""`quell db`: migrations, and the way into another database."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.cli.options import JsonOption, load_settings
from app.cli.output import emit, line
from app.operations.database import copy_database, migrate, schema_status
from app.operations.outputs import DatabaseCopy, SchemaStatus

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


@db.command()
def copy(
    target: Annotated[
        str, typer.Option("--to", metavar="URL", help="An empty database; file:PATH reads the URL from a file.")
    ],
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="The database to read; without it, the configured one.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Move everything into an empty database: incidents, paused ones with their checkpoints, the audit chain.

    Stop every Quell that uses the source before, and set database_url to the target afterwards.
    """
    emit(asyncio.run(copy_database(load_settings(), source, target)), as_json, _render_copy)


def _render_copy(done: DatabaseCopy) -> None:
    copied = done.copied
    line(f"moved from the {done.source} to the {done.target}:")
    line(f"  {sum(copied.rows.values())} rows, {copied.rows['incidents']} incidents among them")
    line(f"  {copied.checkpoints} checkpoints of {copied.threads} runs")
    line(f"  {copied.audit_entries} audit entries, whose chain holds and ends in {copied.audit_head[:16]}")
    line("set database_url to the target before you start Quell again")


def _render(found: SchemaStatus) -> None:
    if found.up_to_date:
        line("the database is up to date, at revision", found.current)
    else:
        line(
            f"the database is at revision {found.current or 'none'}, the newest is {found.head}: run `quell db upgrade`"
        )
