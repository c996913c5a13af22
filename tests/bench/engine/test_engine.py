"""`quell bench engine`: the load is the same in every run, and what is measured is right."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bench.engine import memory, peers, run
from bench.engine.load import BASELINE, END, MESSAGES, matrix, messages, system
from bench.registry import BENCHES, run_bench
from bench.result import BenchOptions
from core.clock import SystemClock
from core.errors import SourceUnavailable, UsageError
from core.models import Signal

TIMES = np.arange(run.SAMPLES) * run.STEP_SECONDS


def test_the_load_is_the_same_in_every_run() -> None:
    assert np.array_equal(matrix(30, 50), matrix(30, 50), equal_nan=True)
    assert list(messages(50)) == list(messages(50))
    first, second = system(5, 6, 100), system(5, 6, 100)
    assert first.logs == second.logs
    assert all(
        np.array_equal(a.values, b.values, equal_nan=True) for a, b in zip(first.signals, second.signals, strict=True)
    )


def test_a_system_has_what_was_asked_for() -> None:
    view = system(5, 6, 100)
    assert (len(view.signals), len(view.logs), sum(len(log.lines) for log in view.logs)) == (30, 5, 100)
    assert {frame.signal for frame in view.signals} > {Signal.ERRORS, Signal.LATENCY}
    assert all(BASELINE.start <= line.at <= END for log in view.logs for line in log.lines)
    assert len(set(messages(40))) > len(MESSAGES)


def test_the_broken_service_of_a_small_system_is_named_first() -> None:
    view = system(5, 5, 3_000)
    first = run.investigate(view).first
    assert first is not None
    assert first.service == view.logs[-1].service


def test_scores_agree_with_those_of_each_series_alone() -> None:
    values = matrix(40, run.SAMPLES)[3:]
    found = run.score_all(TIMES, values)
    shifted = np.flatnonzero(found.beyond(3.0))
    assert {int(row) for row in range(-1, 37) if row >= 0 and (row + 3) % 97 == 2} <= set(shifted.tolist())
    assert peers.scored_alone_seconds(TIMES, values[:3], run.ANALYSED) > 0
    assert peers.rolling_samples_per_second(values[:2]) > 0


def test_figures_have_their_targets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "peak_mebibytes", lambda: 100.0)
    for name, small in (("SERIES", 50), ("SERVICES", 4), ("METRICS", 5), ("LINES", 400), ("RUNS", 1)):
        monkeypatch.setattr(run, name, small)
    result = run_bench("engine", BenchOptions(tmp_path, with_peers=True), "quell bench engine", SystemClock())
    assert {figure.id: (figure.floor, figure.aim) for figure in result.figures if figure.floor} == {
        "engine.scoring": (0.4, 0.08),
        "engine.streaming": (1e6, 1e7),
        "engine.investigation": (3.0, 1.0),
        "engine.memory": (600.0, 250.0),
    }
    assert [figure.id for peer in result.peers for figure in peer.figures] == ["engine.scoring", "engine.streaming"]
    assert all(figure.value is not None and figure.value > 0 for figure in result.figures)


def test_it_makes_its_own_load() -> None:
    with pytest.raises(UsageError, match="does not know"):
        run_bench("engine", BenchOptions(Path(), packs=("nab",)), "", SystemClock())
    assert BENCHES["engine"].packs == ()


def test_memory_is_filled_and_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, small in (("SERIES", 300), ("ROUNDS", 5), ("LINES", 200)):
        monkeypatch.setattr(memory, name, small)
    ring, miner = memory.fill()
    assert (len(ring), ring.rounds) == (300, 5)
    assert len(miner) >= len(MESSAGES)
    assert memory.own_peak_mebibytes() > 10


def test_a_measurement_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SourceUnavailable, match="measured process failed"):
        memory.peak_mebibytes()
