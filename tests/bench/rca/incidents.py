"""A hand-made incident in the format of RootCauseBench: a pool was made smaller, beside changes that do nothing."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.analysis.changes import diffs

FIRED = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
ONSET = FIRED - timedelta(minutes=4)
CULPRIT = "c" * 40
HELPER, STYLE = "a" * 40, "b" * 40


def rootcausebench(root: Path, *, culprit: bool = True, name: str = "stock-pool") -> Path:
    """`rootcausebench/<name>` with its culprit, or with an outage of a provider; returns the pack's folder."""
    folder = root / "rootcausebench" / name
    (folder / "context").mkdir(parents=True)
    line = "no free connection in the pool, SetMaxOpenConns reached" if culprit else "provider eu-1 refused the order"
    alert = {"service": "stock", "metric": "error_ratio", "fired_at": _text(FIRED), "summary": line}
    _write(folder / "alert.json", alert)
    (folder / "logs.ndjson").write_text("\n".join(json.dumps(row) for row in _logs(line)) + "\n")
    with (folder / "metrics.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "service", "metric", "value"])
        rows.writerows(_metrics())
    _write(folder / "traces.json", _traces())
    commits = [_commit(HELPER, diffs.HELPER, "shop/handler.go"), _commit(STYLE, diffs.STYLE, "web/shop.css")]
    deploys = [_deploy(HELPER, 5), _deploy(STYLE, 4.5)]
    if culprit:
        commits.append(_commit(CULPRIT, diffs.POOL, "services/stock/db.go"))
        deploys.append(_deploy(CULPRIT, 9))
    _write(folder / "context" / "commits.json", commits)
    _write(folder / "context" / "deploys.json", deploys)
    flag = {"timestamp": _text(FIRED - timedelta(minutes=6)), "flag": "new_banner", "service": "stock"}
    _write(folder / "context" / "flags.json", [{**flag, "change": "off->on", "actor": "ann"}])
    truth = {"root_cause_commit": CULPRIT if culprit else "none", "first_failing_service": "stock"}
    _write(folder / "ground_truth.json", {**truth, "remediation": "rollback" if culprit else ""})
    return root / "rootcausebench"


def _logs(line: str) -> list[dict[str, Any]]:
    calm = [(FIRED - timedelta(minutes=60 - n), "INFO", "order kept") for n in range(60)]
    loud = [(ONSET + timedelta(seconds=20 * n), "ERROR", line) for n in range(20)]
    return [
        {"timestamp": _text(at), "service": "stock", "severity_text": how, "msg": text} for at, how, text in calm + loud
    ]


def _metrics() -> list[list[object]]:
    rows: list[list[object]] = []
    for minute in range(-60, 6):
        at = FIRED + timedelta(minutes=minute)
        failing = at >= ONSET
        rows.append([_text(at), "stock", "error_ratio", 0.6 if failing else 0.004 + minute % 3 / 1000])
        rows.append([_text(at), "front", "error_ratio", 0.2 if failing else 0.002 + minute % 3 / 1000])
        rows.append([_text(at), "stock", "orders_kept_total", minute])
    return rows


def _traces() -> list[dict[str, Any]]:
    root = {"trace_id": "1" * 32, "span_id": "a1", "parent_id": None, "service": "front", "name": "GET /"}
    inner = {"trace_id": "same", "span_id": "b1", "parent_id": "a1", "service": "stock", "name": "Keep"}
    common = {"start": _text(ONSET), "duration_ms": 20, "status": "ERROR"}
    return [{**root, **common}, {**inner, **common, "error": "no free connection"}]


def _commit(sha: str, diff: str, path: str) -> dict[str, Any]:
    at = _text(FIRED - timedelta(minutes=30))
    return {"sha": sha, "author": "ann", "timestamp": at, "message": "tidy", "files_changed": [path], "diff": diff}


def _deploy(sha: str, minutes: float) -> dict[str, Any]:
    at = _text(FIRED - timedelta(minutes=minutes))
    return {"timestamp": at, "service": "stock", "commit_sha": sha, "version": f"r-{minutes:g}"}


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data))
