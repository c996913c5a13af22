"""Hand-made data packs in the formats of the public ones, small enough to be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

PETSHOP_CALLS = {"web": ("search", "pay"), "search": ("table",), "pay": (), "table": ()}
PETSHOP_START = 1_700_000_000


def petshop(root: Path, culprit: str = "search", metric: str = "availability") -> Path:
    """`petshop/tiny_traffic` with one issue in four services; returns the pack's folder."""
    folder = root / "petshop" / "tiny_traffic"
    issue = folder / "train" / "issue_0"
    (folder / "noissue").mkdir(parents=True)
    issue.mkdir(parents=True)
    names = list(PETSHOP_CALLS)
    rows = [[name, *(str(float(callee in PETSHOP_CALLS[name])) for callee in names)] for name in names]
    _write(folder / "graph.csv", [["microservice", *names], *rows])
    random = np.random.default_rng(1)
    usual = [_petshop_row(PETSHOP_START + 9_000_000 + 300 * i, random) for i in range(60)]
    later = [_petshop_row(PETSHOP_START + 300 * i, random, culprit if 1 <= i <= 3 else "", metric) for i in range(5)]
    for path, body in ((folder / "noissue", usual), (issue, later)):
        _write(path / "metrics.csv", [*_petshop_header(), *body])
    target = {"node": "web", "metric": metric, "agg": "Average", "timestamp": PETSHOP_START + 400}
    (issue / "target.json").write_text(json.dumps({"target": target, "root_cause": {"node": culprit, "metric": None}}))
    return root / "petshop"


def _petshop_header() -> list[list[str]]:
    kinds = (("requests", "Sum"), ("availability", "Average"), ("latency", "Average"), ("latency", "p90"))
    columns = [(name, *kind) for name in PETSHOP_CALLS for kind in kinds]
    header = [
        [title, *cells]
        for title, cells in zip(("microservice", "metric", "statistic"), zip(*columns, strict=True), strict=True)
    ]
    return [*header, ["unix_timestamp", *[""] * len(columns)]]


def _petshop_row(time: int, random: np.random.Generator, culprit: str = "", metric: str = "") -> list[str]:
    hurt = {culprit} | {name for name, callees in PETSHOP_CALLS.items() if culprit in callees} if culprit else set()
    cells = []
    for name in PETSHOP_CALLS:
        failed = 5.0 if name in hurt and metric == "availability" else 0.0
        waited = 0.2 if name in hurt and metric == "latency" else 0.0
        latency = 0.05 * (1 + 0.02 * random.standard_normal()) + waited
        cells += ["600", f"{100 - failed}", f"{latency}", ""]
    return [str(float(time)), *cells]


def sockshop(root: Path, service: str = "carts", resource: str = "cpu") -> Path:
    """`sockshop/<service>-<resource>/1` with three services; returns the pack's folder."""
    folder = root / "sockshop" / f"{service}-{resource}" / "1"
    folder.mkdir(parents=True)
    names = ["carts", "user", "front-end"]
    header = ["time", *(f"{name}_cpu" for name in names), *(f"{name}_mem" for name in names), "carts_lat_90"]
    random = np.random.default_rng(2)
    for name, start, faulty in (("normal.csv", 1000, False), ("anomalous.csv", 90_000, True)):
        rows = []
        for second in range(120):
            cpu = [1 + 0.1 * random.standard_normal() + 98 * (faulty and each == service) for each in names]
            swollen = faulty and resource == "mem"
            memory = [100e6 * (1 + 2 * (swollen and each == service)) for each in names]
            rows.append([str(start + second), *(f"{value}" for value in (*cpu, *memory, 0.05))])
        _write(folder / name, [header, *rows])
    return root / "sockshop"


def _write(path: Path, rows: list[list[str]]) -> None:
    path.write_text("".join(",".join(row) + "\n" for row in rows))
