"""PetShop and Sock Shop: what the loaders make of the files, and that the agents find the culprit in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.settings import benchmark_data
from bench.rca import petshop, sockshop
from bench.rca.run import run
from bench.result import BenchOptions, Met
from core.errors import InvalidInput, NotFound
from core.models import Signal
from tests.bench.rca import samples


def test_petshop_units_and_time(tmp_path: Path) -> None:
    (case,) = petshop.cases(samples.petshop(tmp_path))
    view = case.views["given"]()
    assert (case.name, case.group, view.symptom) == ("tiny_traffic/train/issue_0", "availability", "web")
    assert view.dependencies == samples.PETSHOP_CALLS
    frames = {(frame.service, frame.signal): frame for frame in view.signals}
    assert set(frames) == {
        (name, s) for name in view.dependencies for s in (Signal.ERRORS, Signal.LATENCY, Signal.TRAFFIC)
    }
    errors = frames["search", Signal.ERRORS]
    assert errors.values[-5:] == pytest.approx([0, 0.05, 0.05, 0.05, 0])
    assert frames["search", Signal.TRAFFIC].values == pytest.approx(np.full(65, 2.0))
    assert np.diff(errors.times) == pytest.approx(np.full(64, 300.0))
    assert view.window.start.timestamp() == samples.PETSHOP_START + 300  # the sample that holds the alert
    assert view.baseline.end == view.window.start


def test_onset_variants_move_the_window_and_nothing_else(tmp_path: Path) -> None:
    (case,) = petshop.cases(samples.petshop(tmp_path))
    views = {name: build() for name, build in case.views.items()}
    onset = views["given"].window.start.timestamp()
    starts = {name: view.window.start.timestamp() - onset for name, view in views.items()}
    assert starts == {"given": 0, "estimated": -600, "earlier": -60, "later": 60}
    assert {view.window.end for view in views.values()} == {views["given"].window.end}


@pytest.mark.parametrize("culprit", ["search", "pay", "table", "web"])
@pytest.mark.parametrize("metric", ["availability", "latency"])
def test_petshop_is_measured_through_the_agents(tmp_path: Path, culprit: str, metric: str) -> None:
    samples.petshop(tmp_path, culprit, metric)
    result = run(BenchOptions(tmp_path, ("petshop",), with_cases=True, with_peers=True))
    figures = {figure.id: figure for figure in result.figures}
    assert figures["petshop.top_1"].value == 1.0
    assert figures["petshop.top_1"].met is Met.AIM
    assert {"petshop.top_3", f"petshop.top_1.{metric}", "petshop.top_1.later"} <= set(figures)
    assert [case.expected for case in result.cases] == [culprit] * 4
    assert {peer.name for peer in result.peers} == {"MAD > 5, then call-graph traversal", f"always {petshop.GUESS}"}


def test_any_traffic_folder_is_a_case(tmp_path: Path) -> None:
    folder = samples.petshop(tmp_path)
    (folder / "other").symlink_to(folder / "tiny_traffic")
    assert [case.name for case in petshop.cases(folder)] == ["other/train/issue_0", "tiny_traffic/train/issue_0"]


def test_sockshop_units_and_time(tmp_path: Path) -> None:
    (case,) = sockshop.cases(samples.sockshop(tmp_path))
    view = case.views["given"]()
    truth = case.truth()
    assert (case.name, case.group, truth.service, truth.component) == ("carts-cpu/1", "cpu", "carts", "carts_cpu")
    cpu = next(frame for frame in view.signals if frame.metric == "carts_cpu")
    assert cpu.signal is Signal.CPU
    assert np.median(cpu.values[:120]) == pytest.approx(0.01, rel=0.1)
    assert view.window.start.timestamp() == 90_000
    assert cpu.times[119] == 90_000 - 1
    assert all(frame.metric != "carts_lat_90" for frame in view.signals)  # one latency a service


@pytest.mark.parametrize("resource", ["cpu", "mem"])
def test_sockshop_is_measured_through_the_agents(tmp_path: Path, resource: str) -> None:
    samples.sockshop(tmp_path, "user", resource)
    result = run(BenchOptions(tmp_path, ("sockshop",), with_peers=True))
    figures = {figure.id: figure.value for figure in result.figures}
    assert figures[f"sockshop.avg_at_5.{resource}.service"] == 1.0
    assert figures[f"sockshop.avg_at_5.{resource}.service_metric"] == 1.0
    assert figures[f"sockshop.avg_at_5.{resource}.service.later"] == 1.0
    (peer,) = result.peers
    assert {figure.id for figure in peer.figures} == {
        f"sockshop.avg_at_5.{resource}.{level}" for level in ("service", "service_metric")
    }


def test_a_broken_table_and_a_missing_pack_say_what_to_do(tmp_path: Path) -> None:
    folder = samples.sockshop(tmp_path)
    (folder / "carts-cpu" / "1" / "normal.csv").write_text("time,carts_cpu\n")
    with pytest.raises(InvalidInput, match=r"normal\.csv"):
        run(BenchOptions(tmp_path, ("sockshop",)))
    with pytest.raises(NotFound):
        run(BenchOptions(tmp_path, ("petshop",)))


@pytest.mark.exhaustive
@pytest.mark.parametrize("pack", ["petshop", "sockshop"])
def test_the_floors_hold_on_the_public_data(pack: str) -> None:
    if not (benchmark_data() / pack).is_dir():
        pytest.skip(f"{pack} is not unpacked in QUELL_DATA; its public source is in bench/data.py")
    result = run(BenchOptions(benchmark_data(), (pack,)))
    assert [figure for figure in result.figures if figure.met is Met.MISSED] == []
