"""`quell demo`: one drill, live."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from app.cli.drill import run_stoppable
from app.cli.live import LiveView
from app.cli.options import JsonOption
from app.cli.output import line
from core.clock import SystemClock
from drills.environments import Api
from drills.results import DemoReport, Score
from drills.runner import run_scenario
from drills.scenario import find_scenario

DEFAULT_FAULT = "hang"


def demo(
    fault: Annotated[str, typer.Option(metavar="NAME", help="What to break; `quell drill list`.")] = DEFAULT_FAULT,
    keep: Annotated[bool, typer.Option("--keep", help="Leave shop and API running until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a small shop under load, break one service, and show how Quell finds and heals the cause.

    Exit code 0 only if the named cause is right and the shop's customers are served well again.
    """
    scenario = find_scenario(fault)
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    console.print(f"{scenario.title}: will Quell find and heal it?", style="bold")

    async def linger(score: Score, api: Api) -> None:
        if keep:
            view.close()
            console.print(f"API at {api.url}/docs, token {api.token}; Ctrl-C ends everything")
            _conclude(score, as_json)
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    with LiveView(console) as view:
        score = run_stoppable(run_scenario(scenario, SystemClock(), audience=view, linger=linger))
    if not keep:
        _conclude(score, as_json)
    if not (score.cause_right and score.recovered):
        raise typer.Exit(1)


def _conclude(score: Score, as_json: bool) -> None:
    """Print the outcome: with ``--json`` one line, the last on standard output."""
    if as_json:
        print(DemoReport.of(score).model_dump_json(), flush=True)
        return
    cause = f"{score.root_cause.service}: {score.root_cause.kind}" if score.root_cause else "none"
    line("cause named:", cause, "- right" if score.cause_right else f"- wrong, it was {score.fault.service}")
    line("shop:", "recovered" if score.recovered else "not recovered", f"({score.seconds.total:.0f} s in all)")
