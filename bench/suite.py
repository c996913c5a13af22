"""`quell bench all`: every benchmark on whatever data is there, and what was left out for want of data."""

from __future__ import annotations

from dataclasses import replace

from bench.data import PACKS, pack_folder
from bench.registry import BENCHES, Bench, run_bench
from bench.result import BenchOptions, BenchResult, BenchSuite, Skipped
from core.clock import Clock
from core.errors import NotFound, UsageError


def run_suite(options: BenchOptions, command: str, clock: Clock) -> BenchSuite:
    """Run every benchmark that makes its own load, or has at least one of its packs, or brings data of its own.

    Raises:
        UsageError: packs were named: each benchmark knows others.
    """
    if options.packs:
        raise UsageError("all benchmarks take whatever data is there", fix="name one benchmark, or leave --data out")
    results: list[BenchResult] = []
    skipped: list[Skipped] = []
    for name, bench in BENCHES.items():
        missing = [each for pack in bench.packs if (each := _missing(name, pack, options)) is not None]
        skipped += missing
        packs = _there(bench, missing)
        if any(pack in PACKS for pack in packs) or bench.ships or not bench.packs:
            results.append(run_bench(name, replace(options, packs=packs), command, clock))
    return BenchSuite(results=tuple(results), skipped=tuple(skipped))


def _missing(name: str, pack: str, options: BenchOptions) -> Skipped | None:
    """Why a pack is left out; None where it is there, or is no public data."""
    if pack not in PACKS:
        return None
    try:
        pack_folder(options.data, pack)
    except NotFound as error:
        return Skipped(bench=name, pack=pack, reason=str(error))
    return None


def _there(bench: Bench, missing: list[Skipped]) -> tuple[str, ...]:
    left_out = {each.pack for each in missing}
    return tuple(pack for pack in bench.packs if pack not in left_out)
