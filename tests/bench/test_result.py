"""A figure knows which target it reaches, and a pack that is not there names its public source."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import benchmark_data
from bench.data import PACKS, pack_folder
from bench.registry import BENCHES, Bench, run_bench
from bench.result import BenchOptions, Met, figure
from core.clock import SystemClock
from core.errors import NotFound, UsageError


@pytest.mark.parametrize(
    ("value", "lower", "met"),
    [
        (0.95, False, Met.AIM),
        (0.9, False, Met.FLOOR),
        (0.94999, False, Met.FLOOR),
        (0.89, False, Met.MISSED),
        (None, False, Met.MISSED),
        (0.9, True, Met.AIM),
        (0.951, True, Met.MISSED),
    ],
)
def test_a_figure_is_met_or_missed(value: float | None, lower: bool, met: Met) -> None:
    floor, aim = (0.95, 0.9) if lower else (0.9, 0.95)
    assert figure("x", value, floor=floor, aim=aim, lower_is_better=lower).met is met


def test_a_figure_without_targets_is_only_told() -> None:
    assert figure("x", 12345.678).value == 12350.0
    assert figure("x", 1.0).met is Met.NO_TARGET
    assert figure("x", 1.0, floor=0.5).met is Met.FLOOR


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_that_is_not_there_names_its_public_source(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=PACKS[name].source):
        pack_folder(tmp_path, name)
    (tmp_path / PACKS[name].folder).mkdir()
    assert pack_folder(tmp_path, name) == tmp_path / PACKS[name].folder


def test_what_does_not_exist_is_told_with_what_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BENCHES, "tiny", Bench("tests.bench.tiny", (), "made up"))
    options = BenchOptions(tmp_path)
    with pytest.raises(UsageError, match="tiny"):
        run_bench("other", options, "quell bench other", SystemClock())
    with pytest.raises(UsageError, match="no data"):
        run_bench("tiny", BenchOptions(tmp_path, ("nezha",)), "quell bench tiny", SystemClock())
    with pytest.raises(UsageError, match="no data pack"):
        pack_folder(tmp_path, "other")


def test_the_data_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUELL_DATA", str(tmp_path))
    assert benchmark_data() == tmp_path
    monkeypatch.delenv("QUELL_DATA")
    assert benchmark_data() == Path.home() / ".cache/quell/data"
