"""RootCauseBench: what the loader makes of the files, and that nothing but the culprit decides the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import benchmark_data
from bench.rca import rootcausebench
from bench.rca.rootcausebench_files import read_incident, view_of
from bench.rca.rootcausebench_signals import reading_of
from bench.rca.rootcausebench_twists import renamed, without_commit
from bench.rca.run import run
from bench.result import BenchOptions, Met
from core.errors import UsageError
from core.models import Remedy, Signal
from tests.bench.rca import samples
from tests.bench.rca.incidents import CULPRIT, FIRED
from tests.bench.rca.incidents import rootcausebench as incident


def measured(root: Path) -> dict[str, float | None]:
    result = run(BenchOptions(root, ("rootcausebench",)))
    return {figure.id.removeprefix("rootcausebench."): figure.value for figure in result.figures}


def test_the_files_become_a_view_without_what_came_later(tmp_path: Path) -> None:
    view = view_of(read_incident(incident(tmp_path) / "stock-pool"), 600)
    assert (view.symptom, view.window.end, view.window.seconds) == ("stock", FIRED, 600)
    assert view.baseline.end == view.window.start
    assert {(frame.service, frame.signal) for frame in view.signals} == {
        ("stock", Signal.ERRORS),
        ("front", Signal.ERRORS),
    }
    assert max(frame.times.max() for frame in view.signals) == FIRED.timestamp()
    assert all(line.at <= FIRED for log in view.logs for line in log.lines)
    assert view.dependencies == {"front": ("stock",)}
    assert len({span.trace_id for frame in view.traces for span in (*frame.window, *frame.baseline)}) == 1
    assert {one.change.kind for one in view.changes} == {"commit", "deploy", "flag"}


@pytest.mark.parametrize(
    ("metric", "signal"),
    [
        ("http_5xx_ratio", Signal.ERRORS),
        ("db_query_latency_p99_ms", Signal.LATENCY),
        ("requests_per_sec", Signal.TRAFFIC),
        ("container_cpu_usage_cores", Signal.CPU),
        ("container_cpu_cfs_throttled_seconds", None),
        ("disk_used_pct", Signal.DISK),
        ("orders_kept_total", None),
    ],
)
def test_series_are_told_by_their_names(metric: str, signal: Signal | None) -> None:
    reading = reading_of(metric)
    assert (reading.signal if reading else None) is signal


def test_the_culprit_is_named_and_nothing_innocent_changes_that(tmp_path: Path) -> None:
    incident(tmp_path)
    found = measured(tmp_path)
    assert found["whole_case"] == 1.0
    for twist in ("renamed", "reordered", "innocent_deploys"):
        assert found[f"{twist}.same_answer"] == 1.0
    assert found["without_culprit.none"] == 1.0


def test_without_a_guilty_change_none_is_blamed(tmp_path: Path) -> None:
    incident(tmp_path, culprit=False)
    result = run(BenchOptions(tmp_path, ("rootcausebench",), with_cases=True, with_peers=True))
    figures = {figure.id: figure for figure in result.figures}
    assert figures["rootcausebench.commit"].value == 1.0
    assert figures["rootcausebench.without_culprit.none"].value is None
    peers = {peer.name: peer.figures[1].value for peer in result.peers}
    assert peers == {"earliest-deploy": 0.0, "alert-service-deploy": 0.0, "always-none": 1.0}
    assert {case.answer.partition(" ")[0] for case in result.cases} == {"none"}


def test_any_folder_with_an_alert_is_a_case(tmp_path: Path) -> None:
    incident(tmp_path)
    folder = incident(tmp_path, culprit=False, name="provider-outage")
    assert [case.name for case in rootcausebench.cases(folder)] == ["provider-outage", "stock-pool"]
    assert measured(tmp_path)["commit"] == 1.0


def test_views_are_built_without_the_label(tmp_path: Path) -> None:
    folder = incident(tmp_path)
    (folder / "stock-pool" / "ground_truth.json").unlink()
    (case,) = rootcausebench.cases(folder)
    assert all(build().symptom for build in case.views.values())
    with pytest.raises(FileNotFoundError):
        case.truth()


def test_renaming_reaches_every_mention(tmp_path: Path) -> None:
    given = read_incident(incident(tmp_path) / "stock-pool")
    assert set(renamed(given).services) == {"unit-000", "unit-001"}
    assert renamed(given).commits == given.commits


def test_a_commit_goes_with_its_deploys(tmp_path: Path) -> None:
    left = without_commit(read_incident(incident(tmp_path) / "stock-pool"), CULPRIT)
    assert CULPRIT not in str(left.commits) + str(left.deploys)


def test_every_word_of_the_data_is_a_remedy_of_ours() -> None:
    assert set(rootcausebench.REMEDIES) <= set(Remedy)
    assert len(set(rootcausebench.REMEDIES.values())) == len(rootcausebench.REMEDIES)


def test_cases_of_another_data_set_are_refused(tmp_path: Path) -> None:
    from bench.rca import petshop

    with pytest.raises(UsageError):
        rootcausebench.peers(petshop.cases(samples.petshop(tmp_path)))


@pytest.mark.exhaustive
def test_the_public_data_reaches_the_floor() -> None:
    if not (benchmark_data() / "rootcausebench").is_dir():
        pytest.skip("rootcausebench is not unpacked in QUELL_DATA; its public source is in bench/data.py")
    result = run(BenchOptions(benchmark_data(), ("rootcausebench",)))
    figures = {figure.id: figure for figure in result.figures}
    assert figures["rootcausebench.whole_case"].met is not Met.MISSED
    for twist in ("renamed", "reordered", "innocent_deploys"):
        assert figures[f"rootcausebench.{twist}.same_answer"].value == 1.0
    assert figures["rootcausebench.without_culprit.none"].value == 1.0
