"""`quell watch`: no Alertmanager needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import JsonOption, load_settings
from app.cli.output import line, when
from app.operations.outputs import WatchRound
from core.models import IncidentStatus

if TYPE_CHECKING:
    from app.settings import Settings

EXIT_NEEDS_HUMAN = 3


def watch(
    once: Annotated[bool, typer.Option("--once", help="Look once, run what is found, and end.")] = False,
    interval: Annotated[float | None, typer.Option(min=0.1, help="Seconds between looks.")] = None,
    collect_seconds: Annotated[
        float, typer.Option(min=0.0, help="With --once: how long to scrape when no running server kept a history.")
    ] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Check the watched services and start runs on what is found; exit 3 after --once when a human is needed.

    With --json each look prints one line with one object.
    """
    settings = load_settings({"watch": {"interval_seconds": interval}} if interval is not None else None)
    if not once:
        asyncio.run(_watch(settings, as_json))
    elif asyncio.run(_once(settings, collect_seconds, as_json)):
        raise typer.Exit(EXIT_NEEDS_HUMAN)


async def _once(settings: Settings, collect_seconds: float, as_json: bool) -> bool:
    """Whether a human is needed."""
    from app.bootstrap import open_app
    from app.watching import one_look, watch_once

    async with open_app(one_look(settings)) as app:
        found = await watch_once(app, collect_seconds=collect_seconds)
    _print(found, as_json)
    needy = (IncidentStatus.AWAITING_APPROVAL, IncidentStatus.ESCALATED)
    return any(incident.status in needy for incident in found.incidents)


async def _watch(settings: Settings, as_json: bool) -> None:
    from app.bootstrap import open_app
    from app.watching import watch as look_on

    async with open_app(settings) as app:
        async for found in look_on(app):
            _print(found, as_json)


def _print(found: WatchRound, as_json: bool) -> None:
    if as_json:
        print(found.model_dump_json(), flush=True)
        return
    if not found.alerts:
        line(when(found.at), "nothing new")
    for alert in found.alerts:
        line(
            when(found.at),
            alert.status,
            alert.severity,
            alert.name,
            alert.service,
            alert.annotations.get("summary", ""),
        )
    for incident in found.incidents:
        line(" ", incident.id, incident.status, incident.outcome)
