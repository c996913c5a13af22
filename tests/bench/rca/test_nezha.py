"""Nezha's loader on a day made by hand: two minutes of calls, the second with a slow way to one service."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.rca import nezha
from bench.rca.nezha_data import service_of
from bench.rca.run import replay

DAY = "2023-01-29"
ONSET = datetime(2023, 1, 29, 9, 30, 4, tzinfo=UTC)
FAULT_FREE = datetime(2023, 1, 29, 9, 10, 5, tzinfo=UTC)
POD = "ts-{}-service-5dc8d4f9fd-4699{}"
SPAN_HEADER = [
    "TraceID",
    "SpanID",
    "ParentID",
    "PodName",
    "OperationName",
    "StartTimeUnixNano",
    "EndTimeUnixNano",
    "Duration",
]
LOG_HEADER = ["Timestamp", "TimeUnixNano", "Node", "PodName", "Container", "TraceID", "SpanID", "Log"]


def pod(name: str) -> str:
    return POD.format(name, name[0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One case at 09:30:04; its files hold the minute before their name."""
    minutes = [f"{ONSET + timedelta(minutes=k):%H_%M}" for k in range(3)]
    entry = {"day": DAY, "inject_time": f"{ONSET:%Y-%m-%d %H:%M:%S}", "pod": pod("food"), "fault": "network_delay"}
    (tmp_path / "cases.json").write_text(json.dumps([{**entry, "minutes": minutes}]))
    write(tmp_path / DAY / "normal", "09_10", FAULT_FREE - timedelta(seconds=60), gap_seconds=0.003)
    write(tmp_path / DAY / "fault", minutes[0], ONSET - timedelta(seconds=60), gap_seconds=0.003)
    for index, name in enumerate(minutes[1:]):
        write(tmp_path / DAY / "fault", name, ONSET + timedelta(seconds=60 * index), gap_seconds=2.0)
    metric = tmp_path / DAY / "fault" / "metric"
    metric.mkdir()
    rows = [["TimeStamp", "CpuUsage(m)", "MemoryUsage(Mi)", "PodWorkload(Ops)"]]
    rows += [[str(int(ONSET.timestamp()) + 60 * k), "7.5", "490.0", ""] for k in range(-30, 3)]
    for name in ("gateway", "food"):
        save(metric / f"{pod(name)}_metric.csv", rows)
    return tmp_path


def write(kind: Path, name: str, start: datetime, *, gap_seconds: float) -> None:
    """Ten requests, each answered by `food`, `gap_seconds` later than it worked; and a line of each."""
    spans, lines = [SPAN_HEADER], [LOG_HEADER]
    for index in range(10):
        at = int((start + timedelta(seconds=5 * index)).timestamp() * 1e9)
        trace, work, wait = f"{at:032x}", 10_000_000, int(gap_seconds * 1e9)
        parts = [("root", "gateway", "/*", work + wait + 2_000_000), ("1", "gateway", "HTTP GET", work + wait)]
        for number, (parent, who, operation, length) in enumerate([*parts, ("2", "food", "/foods", work)], start=1):
            above = parent if parent == "root" else f"{int(parent):016x}"
            spans.append([trace, f"{number:016x}", above, pod(who), operation, str(at), str(at + length), "0"])
        wrapped = json.dumps({"log": f"found {index} foods\n", "stream": "stdout"})
        lines.append(["", str(at), "n1", pod("food"), "server", trace, f"{3:016x}", wrapped])
    spans.append(["a row that is cut"])
    lines.append(
        ["", str(int((start + timedelta(days=1)).timestamp() * 1e9)), "n1", pod("food"), "server", "", "", "late"]
    )
    save(kind / "trace" / f"{name}_trace.csv", spans)
    save(kind / "log" / f"{name}_log.csv", lines)


def save(path: Path, rows: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_a_pod_is_its_service_less_two_hashes() -> None:
    assert service_of("ts-food-service-f5756978c-k8vqf") == "ts-food-service"


def test_what_is_seen_ends_before_the_window_and_holds_no_later_record(folder: Path) -> None:
    (case,) = nezha.cases(folder)
    for variant, build in case.views.items():
        view = build()
        assert all(one.end <= view.window.start for one in view.references), variant
        spans = [span for frame in view.traces for span in frame.baseline]
        assert all(span.start <= view.window.start for span in spans), variant
        assert all(line.text != "late" for log in view.logs for line in log.lines)
    assert list(case.views)[:4] == ["given", "estimated", "ten_minutes", "earlier"]


def test_a_wide_window_does_not_begin_by_the_label(folder: Path) -> None:
    (before,) = nezha.cases(folder)
    entry = json.loads((folder / "cases.json").read_text())[0]
    moved = {**entry, "inject_time": f"{ONSET + timedelta(seconds=37):%Y-%m-%d %H:%M:%S}"}
    (folder / "cases.json").write_text(json.dumps([moved]))
    (after,) = nezha.cases(folder)
    for variant, length in nezha.WIDE.items():
        window = before.views[variant]().window
        assert window == after.views[variant]().window
        assert window.end - window.start == length
        assert window.start < ONSET - timedelta(seconds=30)


def test_a_window_may_begin_before_the_first_sample_of_the_day(folder: Path) -> None:
    shutil.rmtree(folder / DAY / "normal")
    for path in (folder / DAY / "fault" / "metric").iterdir():
        header, *rows = path.read_text().splitlines()
        path.write_text("\n".join([header, *rows[-4:]]))
    (case,) = nezha.cases(folder)
    for variant in nezha.WIDE:
        view = case.views[variant]()
        assert view.baseline.end == view.window.start


def test_the_fault_free_minute_is_moved_before_a_window_that_it_does_not_precede(folder: Path) -> None:
    entry = json.loads((folder / "cases.json").read_text())[0]
    early = {**entry, "inject_time": f"{FAULT_FREE - timedelta(seconds=60):%Y-%m-%d %H:%M:%S}", "minutes": ["09_10"]}
    (folder / "cases.json").write_text(json.dumps([early, entry]))
    view = nezha.cases(folder)[0].views["fault_free"]()
    (reference,) = view.references
    assert 0 < (view.window.start - reference.end).total_seconds() <= 1
    assert all(reference.start <= span.start <= reference.end for frame in view.traces for span in frame.baseline)


def test_the_case_goes_through_the_agents_and_is_scored(folder: Path) -> None:
    outcomes = asyncio.run(replay(nezha.cases(folder)))
    figures, listed = nezha.score(outcomes)
    values = {figure.id: figure.value for figure in figures}
    assert values["nezha.as_at_1"] == values["nezha.as_at_1.fault_free"] == 1.0
    assert values["nezha.as_at_3.network_delay"] == 1.0
    assert values["nezha.as_at_1.estimated"] == values["nezha.as_at_1.ten_minutes"] == 1.0
    assert (values["nezha.onset_error.estimated"] or 0) <= nezha.NEAR_SECONDS
    assert values["nezha.onset_near.fault_free.ten_minutes"] == 1.0
    assert "nezha.onset_error" not in values
    assert listed[0].expected == "ts-food-service"
    assert "network_delay (ts-gateway-service -> ts-food-service)" in listed[0].answer


def test_the_peers_answer_every_case(folder: Path) -> None:
    peers = nezha.peers(nezha.cases(folder))
    assert [peer.name for peer in peers] == ["CPU robust z alone", "error-log delta alone", "Nezha (published)"]
    assert all(figure.value is not None for peer in peers for figure in peer.figures)
