"""All benchmarks run on whatever data is there, and what is missing is said aloud with its public source."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data import PACKS
from bench.registry import Bench
from bench.result import BenchOptions, BenchResult
from bench.suite import run_suite
from core.clock import SystemClock
from core.errors import UsageError

TINY = "tests.bench.tiny"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[BenchOptions]:
    """Three benchmarks that measure nothing, and what they were asked."""
    packs: dict[str, tuple[str, ...]] = {"load": (), "logs": ("nab",), "both": ("nezha", "petshop", "drills")}
    benches = {name: Bench(TINY, known, "made up") for name, known in packs.items()}
    for module in ("registry", "suite"):
        monkeypatch.setattr(f"bench.{module}.BENCHES", benches)
    seen: list[BenchOptions] = []

    def run(options: BenchOptions) -> BenchResult:
        seen.append(options)
        return BenchResult(name="tiny", figures=())

    monkeypatch.setattr(f"{TINY}.run", run)
    return seen


def test_each_runs_on_the_packs_that_are_there(asked: list[BenchOptions], tmp_path: Path) -> None:
    (tmp_path / "petshop").mkdir()
    suite = run_suite(BenchOptions(tmp_path, with_peers=True), "quell bench all --peer", SystemClock())
    assert [options.packs for options in asked] == [(), ("petshop", "drills")]
    assert all(options.with_peers for options in asked)
    assert len(suite.results) == 2
    assert {(each.bench, each.pack) for each in suite.skipped} == {("logs", "nab"), ("both", "nezha")}
    assert all(PACKS[each.pack].source in each.reason for each in suite.skipped)


def test_what_is_no_public_data_is_not_enough(asked: list[BenchOptions], tmp_path: Path) -> None:
    suite = run_suite(BenchOptions(tmp_path), "quell bench all", SystemClock())
    assert [options.packs for options in asked] == [()]
    assert len(suite.skipped) == 3


def test_what_brings_its_own_data_runs_without_any_other(
    asked: list[BenchOptions], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    brings = {"both": Bench(TINY, ("nezha", "drills"), "made up", ships=True)}
    for module in ("registry", "suite"):
        monkeypatch.setattr(f"bench.{module}.BENCHES", brings)
    suite = run_suite(BenchOptions(tmp_path), "quell bench all", SystemClock())
    assert [options.packs for options in asked] == [("drills",)]
    assert [each.pack for each in suite.skipped] == ["nezha"]


def test_all_takes_no_pack(asked: list[BenchOptions], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="whatever data"):
        run_suite(BenchOptions(tmp_path, ("nezha",)), "quell bench all --data nezha", SystemClock())
    assert asked == []
