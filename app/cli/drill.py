"""`quell drill`: list the game days, and run them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from app.cli.live import LiveView
from app.cli.options import JsonOption
from app.cli.output import emit, line, table
from app.operations.remote import Remote
from core.clock import SystemClock
from core.errors import UsageError
from drills.environments import Api, EnvironmentKind
from drills.keeping import keep
from drills.results import Score, Scoreboard
from drills.runner import run_scenario
from drills.scenario import Scenario, ScenarioList, find_scenario, scenarios
from drills.scoreboard import COLUMNS, row, summary

drill = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Fault-injection game days.")

T = TypeVar("T")


@drill.command("list")
def list_scenarios(as_json: JsonOption = False) -> None:
    """List the scenarios: what breaks, and what may be done about it."""
    emit(ScenarioList(scenarios=scenarios()), as_json, _render_list)


@drill.command()
def run(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One scenario.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every scenario.")] = False,
    repeat: Annotated[int, typer.Option(min=1, help="Run each this many times.")] = 1,
    rename: Annotated[
        int | None, typer.Option(metavar="SEED", help="Call services by other names; each repetition by its own.")
    ] = None,
    environment: Annotated[
        EnvironmentKind, typer.Option(help="Where the shop runs; --all takes the scenarios that fit.")
    ] = EnvironmentKind.PROCESSES,
    engine: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="DOCKER_HOST",
            help="A Docker Engine of this machine, for docker and swarm; without one an own dockerd is started.",
        ),
    ] = "",
    export: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep each run's incident there as a bundle that replays, with its score."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run scenarios, each in a fresh environment, and print the scoreboard; exit code 0 only if all passed."""
    if bool(name) == every:
        raise UsageError("name one scenario, or pass --all", fix="`quell drill list` shows the names")
    fitting = tuple(scenario for scenario in scenarios() if environment in scenario.environments)
    chosen = fitting if every else (find_scenario(name),)
    scores = tuple(
        _run_one(scenario, environment, engine, None if rename is None else rename + turn, export)
        for turn in range(repeat)
        for scenario in chosen
    )
    board = Scoreboard(passed=all(score.passed for score in scores), scores=scores)
    emit(board, as_json, _render_board)
    if not board.passed:
        raise typer.Exit(1)


def run_stoppable(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; SIGTERM and SIGHUP count as Ctrl-C does, so that whatever was started is stopped in order.

    Raises:
        KeyboardInterrupt: it was told to stop.
    """

    async def main() -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101  # a running coroutine has one
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _run_one(
    scenario: Scenario, kind: EnvironmentKind, engine_url: str, seed: int | None, export: Path | None
) -> Score:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"drill {scenario.name}" + (f", seed {seed}" if seed is not None else ""), style="bold")

    async def linger(score: Score, api: Api) -> None:
        if export is not None:
            async with Remote(api.url, api.token) as remote:
                kept = await keep(score, remote, export)
            console.print(f"kept in {kept}")

    with LiveView(console) as view:
        drill = run_scenario(
            scenario, SystemClock(), kind=kind, engine_url=engine_url, seed=seed, audience=view, linger=linger
        )
        return run_stoppable(drill)


def _render_list(found: ScenarioList) -> None:
    rows = [
        (
            scenario.name,
            scenario.title,
            scenario.expected.target,
            scenario.fault.kind,
            ", ".join(scenario.actions.accepted) or "a human",
            ", ".join(scenario.environments),
        )
        for scenario in found.scenarios
    ]
    table(("NAME", "WHAT HAPPENS", "CAUSE", "KIND", "HEALED BY", "RUNS AS"), rows, empty="no scenarios")


def _render_board(board: Scoreboard) -> None:
    table(COLUMNS, (row(score) for score in board.scores), empty="nothing was run")
    line(summary(board.scores))
