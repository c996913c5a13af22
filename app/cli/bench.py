"""`quell bench`: measure accuracy, speed and memory, beside named peers."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from app.cli.options import JsonOption
from app.cli.output import emit, line, table
from app.settings import benchmark_data
from bench.registry import BENCHES, run_bench
from bench.result import BenchOptions, BenchResult, BenchSuite, Figure
from bench.suite import run_suite
from core.clock import SystemClock

ALL = "all"
"""Every benchmark, or every pack of one."""


def bench(
    name: Annotated[str, typer.Argument(help=f"What to measure: {', '.join(BENCHES)}, or all.")],
    data: Annotated[str, typer.Option(metavar="PACK", help="One data pack, or all.")] = ALL,
    cases: Annotated[bool, typer.Option("--cases", help="List every case.")] = False,
    peer: Annotated[bool, typer.Option("--peer", help="Run the simple baselines on the same cases too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure on public data ($QUELL_DATA) or on made-up load, and print each figure beside its floor and aim."""
    packs = () if data == ALL else (data,)
    options = BenchOptions(benchmark_data(), packs, with_cases=cases, with_peers=peer)
    words = ["quell", "bench", name, *(["--data", data] if packs else [])]
    words += [flag for flag, wanted in (("--cases", cases), ("--peer", peer), ("--json", as_json)) if wanted]
    if name == ALL:
        emit(run_suite(options, shlex.join(words), SystemClock()), as_json, _render_suite)
    else:
        emit(run_bench(name, options, shlex.join(words), SystemClock()), as_json, _render)


def _render_suite(suite: BenchSuite) -> None:
    for result in suite.results:
        line(result.name.upper())
        _render(result)
        line()
    for each in suite.skipped:
        line(f"{each.bench}: skipped {each.pack}: {each.reason}")


def _render(result: BenchResult) -> None:
    columns = ("FIGURE", "VALUE", "UNIT", "FLOOR", "AIM", "MET", "NOTE")
    table(columns, (_row(figure) for figure in result.figures), empty="nothing was measured")
    for peer in result.peers:
        line("\npeer:", peer.name, f"({peer.source})" if peer.source else "")
        table(columns, (_row(figure) for figure in peer.figures), empty="nothing was measured")
    if result.cases:
        line()
        rows = ((case.group, case.name, case.expected, case.answer, case.score) for case in result.cases)
        table(("GROUP", "CASE", "EXPECTED", "ANSWER", "SCORE"), rows, empty="no cases")
    line(f"\n{result.seconds:g} s on {result.machine}")


def _row(figure: Figure) -> tuple[object, ...]:
    return (figure.id, figure.value, figure.unit, figure.floor, figure.aim, figure.met, figure.note)
