"""`quell bench logs` on a hand-made pack: accuracy, speed, cases, and a peer that cannot be made."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.masks import fold
from app.settings import benchmark_data
from bench.data import PACKS
from bench.logs import drain3_peer, run
from bench.logs.drain3_peer import LOCK, run_drain3
from bench.logs.grouping import emitted, grouping_accuracy
from bench.logs.leave_one_out import leave_one_out
from bench.logs.loghub import LabelledLog, load, redrawn, traced
from bench.result import BenchOptions, Met
from core.errors import InvalidInput, NotFound, SourceUnavailable

ROWS = [
    ("connection from 10.0.0.1 closed", "connection from <*> closed"),
    ("connection from 10.0.0.2 closed", "connection from <*> closed"),
    ("removing chargen", "removing <*>"),
    ("removing daytime", "removing <*>"),
    ("ready", "ready"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two systems of five lines."""
    for system in ("Alpha", "Beta"):
        folder = tmp_path / "loghub2k" / system
        folder.mkdir(parents=True)
        with (folder / f"{system}_2k.log_structured_corrected.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("Content", "EventTemplate"), *ROWS])
    return tmp_path


def test_every_system_counts_and_each_template_is_a_case(data: Path) -> None:
    result = run.run(BenchOptions(data, with_cases=True))
    figures = {one.id: one for one in result.figures}
    assert figures["logs.grouping_accuracy"].value == 0.6
    assert figures["logs.grouping_accuracy"].met is Met.MISSED
    assert figures["logs.grouping_accuracy.beta"].value == 0.6
    assert (figures["logs.lines_per_second"].value or 0) > 1000
    assert [(case.name, case.answer, case.score) for case in result.cases if case.group == "Alpha"] == [
        ("connection from <*> closed", "one group", 1.0),
        ("removing <*>", "2 groups, 0 foreign lines", 0.0),
        ("ready", "one group", 1.0),
    ]


def test_a_message_is_right_only_in_exactly_its_group() -> None:
    assert grouping_accuracy("aabbc", [1, 1, 2, 2, 3]) == 1
    assert grouping_accuracy("aabbc", [1, 1, 2, 3, 4]) == 0.6
    assert grouping_accuracy("aabbc", [1, 1, 2, 2, 2]) == 0.4
    assert grouping_accuracy("", []) == 0


def test_ids_count_as_they_were_emitted() -> None:
    lines = [f"the cache of {name} was emptied again" for name in "abcdefgh"]
    ids = emitted(lines)
    assert len(set(ids[:5])) == 5
    assert set(ids[5:]) == {ids[0]}


@given(seed=st.integers(0, 99))
def test_redrawn_lines_differ_in_digits_only(seed: int) -> None:
    log = LabelledLog("x", ("a 1 b22", "c"), ("a", "c"))
    stream = redrawn([log], rounds=2, seed=seed)
    assert [fold(one) for one in stream] == [fold(one) for one in (*log.lines, *log.lines)]
    assert stream == redrawn([log], rounds=2, seed=seed)
    assert len(set(traced([log]))) == 2


def test_choices_are_made_without_the_system_they_are_scored_on(data: Path) -> None:
    found = leave_one_out(load(data / "loghub2k"))
    assert [one.system for one in found] == ["Alpha", "Beta"]
    assert all(0 < one.accuracy <= 1 for one in found)


def test_a_folder_without_systems_and_a_broken_table_are_told(tmp_path: Path, data: Path) -> None:
    with pytest.raises(NotFound, match="loghub"):
        run.run(BenchOptions(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no system"):
        load(tmp_path / "empty")
    path = next(data.glob("loghub2k/Alpha/*.csv"))
    path.write_text("LineId,Text\n1,x\n")
    with pytest.raises(InvalidInput, match="Alpha"):
        load(data / "loghub2k")


def test_a_peer_that_cannot_be_made_is_reported_with_the_reason(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SourceUnavailable("no index here")

    monkeypatch.setattr(run, "run_drain3", fail)
    result = run.run(BenchOptions(data, with_peers=True))
    speed = next(one for one in result.figures if one.id == "logs.speed_against_drain3")
    assert (speed.value, speed.met, speed.note) == (None, Met.MISSED, "not run: no index here")
    assert result.peers[0].figures[0].value is None


def test_a_program_that_fails_is_an_unavailable_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "broken.lock"
    lock.write_text("drain3==0.9.11 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(drain3_peer, "LOCK", lock)
    monkeypatch.setattr(drain3_peer.sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(SourceUnavailable, match="cannot be run"):
        run_drain3([], [], tmp_path)


def test_the_lock_has_hashes_and_no_address() -> None:
    text = LOCK.read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text


def test_loghub_is_grouped_above_the_floor() -> None:
    folder = benchmark_data() / "loghub2k"
    if not folder.is_dir():
        pytest.skip(f"loghub2k is not in {folder.parent} (public source: {PACKS['loghub2k'].source})")
    scores = [grouping_accuracy(log.templates, emitted(log.lines)) for log in load(folder)]
    assert sum(scores) / len(scores) >= 0.95
