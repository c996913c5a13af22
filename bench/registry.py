"""The benchmarks: the only place of registration. Modules are imported when they run."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from bench.machine import machine
from bench.result import BenchOptions, BenchResult
from core.clock import Clock
from core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark.

    Attributes:
        module: has `run(options: BenchOptions) -> BenchResult`.
        packs: data packs that it knows; empty when it makes its own load.
        help: one line.
        ships: whether some of its data come with Quell, so that it runs without any pack too.
    """

    module: str
    packs: tuple[str, ...]
    help: str
    ships: bool = False


BENCHES: dict[str, Bench] = {
    "logs": Bench("bench.logs.run", ("loghub2k",), "Log templates: grouping accuracy and lines per second."),
    "anomaly": Bench("bench.anomaly.run", ("nab",), "The watcher's streaming scorer on labelled series (NAB)."),
    "calibration": Bench(
        "bench.calibration.run",
        ("nezha", "petshop", "sockshop", "rootcausebench", "drills"),
        "How far confidence can be trusted, on systems that the fit never saw.",
    ),
    "engine": Bench("bench.engine.run", (), "Speed and memory of the analysis on made-up load."),
    "ladder": Bench(
        "bench.ladder.run",
        ("petshop", "sockshop", "rootcausebench", "drills"),
        "Models that err on purpose, on the ladder: accuracy, who is asked, costs; every outcome of a rung.",
        ships=True,
    ),
    "prompts": Bench("bench.prompts.run", (), "What models are shown of a large system, in tokens."),
    "rca": Bench(
        "bench.rca.run", ("nezha", "petshop", "sockshop", "rootcausebench"), "Root causes ranked on labelled incidents."
    ),
}


def run_bench(name: str, options: BenchOptions, command: str, clock: Clock) -> BenchResult:
    """Run one benchmark, and say how long it took and on what.

    Raises:
        UsageError: there is no such benchmark, or it does not know a pack.
        NotFound: a pack is not there.
    """
    if name not in BENCHES:
        raise UsageError(f"no benchmark is called {name!r}", fix=f"one of {', '.join(BENCHES)}")
    bench = BENCHES[name]
    if unknown := [pack for pack in options.packs if pack not in bench.packs]:
        raise UsageError(f"{name} does not know {unknown[0]!r}", fix=f"one of {', '.join(bench.packs) or 'no data'}")
    started = clock.monotonic()
    result: BenchResult = importlib.import_module(bench.module).run(options)
    seconds = round(clock.monotonic() - started, 2)
    return result.model_copy(update={"seconds": seconds, "command": command, "machine": machine()})
