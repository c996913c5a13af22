"""`quell bench anomaly` on a small folder: loader, judging, peers, everything; on the pack when it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.series.streaming import StreamConfig
from app.settings import benchmark_data
from bench.anomaly import peers
from bench.anomaly.corpus import load
from bench.anomaly.judging import alarms, left_out, points, points_at, points_of
from bench.anomaly.run import quell_scores, run
from bench.result import BenchOptions
from core.errors import InvalidInput, NotFound
from tests.bench.anomaly import samples


def test_the_loader_reads_rows_windows_and_profiles(tmp_path: Path) -> None:
    corpus = load(samples.nab(tmp_path))
    odd, quiet = corpus.series
    assert (odd.name, odd.category, odd.windows, quiet.windows) == ("realOdd/odd.csv", "realOdd", (samples.WINDOW,), ())
    assert odd.times[:2].tolist() == [samples.START.timestamp(), samples.START.timestamp() + 300]
    assert odd.values[405] == 60.0
    assert odd.labels.rows[0] == 75, "probation"
    assert corpus.windows() == 1
    assert corpus.profiles["reward_low_FN_rate"].false_negative == 2.0


def test_labels_of_other_data_are_refused(tmp_path: Path) -> None:
    folder = samples.nab(tmp_path)
    path = folder / "labels" / "combined_windows.json"
    path.write_text(path.read_text().replace(samples.stamp(samples.WINDOW[0]), "2031-01-01 00:00:00.000000"))
    with pytest.raises(InvalidInput, match=r"realOdd/odd\.csv"):
        load(folder)


def test_judging_a_perfect_and_a_useless_detector(tmp_path: Path) -> None:
    corpus = load(samples.nab(tmp_path))
    profile = corpus.profiles["standard"]
    perfect = [np.zeros(samples.ROWS) for _ in corpus.series]
    perfect[0][samples.WINDOW[0]] = 0.9
    assert points(corpus, perfect, profile) == pytest.approx((100.0, 0.9))
    assert points_at(corpus, perfect, profile, 0.95) == 0.0
    assert points_of("realOdd", corpus, perfect, profile, 0.9) == pytest.approx(100.0)
    assert points_of("realQuiet", corpus, perfect, profile, 0.9) == 0.0
    said = alarms(corpus.series[0].labels, perfect[0], 0.5)
    assert (said.found, said.windows, said.false) == (1, 1, 0)
    noisy = [np.ones(samples.ROWS) for _ in corpus.series]
    assert alarms(corpus.series[1].labels, noisy[1], 0.5).false == samples.ROWS - 75


def test_what_is_left_out_chooses_neither_threshold_nor_candidate(tmp_path: Path) -> None:
    corpus = load(samples.nab(tmp_path))
    useful = quell_scores(corpus, StreamConfig())
    assert points(corpus, useful, corpus.profiles["standard"])[0] > 90
    assert left_out(corpus, [useful], corpus.profiles["standard"]) == 0.0, (
        "without windows, silence is the best threshold"
    )


def test_peers_are_what_they_are_called() -> None:
    spiked = np.append(np.random.default_rng(1).normal(size=400), 9.0)
    assert set(peers.null(spiked)) == {0.5}
    assert peers.random(spiked, 1).tolist() != peers.random(spiked, 2).tolist()
    gaussian = peers.windowed_gaussian(spiked)
    assert int(gaussian[2:].argmax()) == 398
    assert gaussian[399] == pytest.approx(gaussian_by_hand(spiked, 399))
    assert not peers.windowed_gaussian(np.full(9, 3.0))[0]
    shifted = np.append(np.tile([0.0, 1.0], 100), np.full(60, 5.0))
    entropy = peers.relative_entropy(shifted)
    assert not entropy[:200].any()
    assert entropy[200:].any()
    assert not peers.relative_entropy(np.full(99, 3.0)).any()


def gaussian_by_hand(values: np.ndarray[tuple[int], np.dtype[np.float64]], row: int) -> float:
    from statistics import NormalDist

    before = values[:row]
    return 1 - NormalDist().cdf(-abs(values[row] - before.mean()) / before.std())


def test_the_whole_benchmark_on_a_small_folder(tmp_path: Path) -> None:
    samples.nab(tmp_path)
    result = run(BenchOptions(tmp_path, with_cases=True, with_peers=True))
    figures = {figure.id: figure for figure in result.figures}
    standard = figures["nab.standard"]
    assert (standard.floor, standard.aim) == (60.0, 70.0)
    assert standard.value is not None
    assert standard.value > 90
    assert figures["nab.scorer.null"].value == 0.0
    assert {"nab.left_out.threshold", "nab.left_out.parameters", "nab.alarm_threshold", "nab.realOdd"} <= set(figures)
    assert [(case.group, case.answer[:7]) for case in result.cases] == [
        ("realOdd", "1 found"),
        ("realQuiet", "0 found"),
    ]
    assert {peer.name for peer in result.peers} == {"null", "random", "windowed gaussian", "relative entropy"}


def test_without_the_pack_the_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="numenta/NAB"):
        run(BenchOptions(tmp_path))


@pytest.mark.slow
def test_floors_on_the_pack() -> None:
    folder = benchmark_data() / "nab"
    if not folder.is_dir():
        pytest.skip("nab is not unpacked in QUELL_DATA; its public source is https://github.com/numenta/NAB")
    corpus = load(folder)
    profile = corpus.profiles["standard"]
    gaussian, _ = points(corpus, [peers.windowed_gaussian(one.values) for one in corpus.series], profile)
    assert abs(gaussian - 39.65) < 1
    scores = quell_scores(corpus, StreamConfig())
    assert points(corpus, scores, profile)[0] >= 70
    assert left_out(corpus, [scores], profile) >= 60
