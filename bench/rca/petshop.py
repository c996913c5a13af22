"""PetShop: latency and availability issues of an AWS application, as means and sums of 5 minutes.

Source: Hardt et al., "The PetShop Dataset: Finding Causes of Performance Issues across Microservices" (CLeaR 2024). An
issue's recording holds five samples, some of them from before the issue; what is usual was recorded apart, at another
time of the year, and is put right before the issue. Only the rows at or before its end are seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from analysis.config import AnalysisConfig
from analysis.view import SignalFrame
from bench.rca.case import Outcome, RcaCase, Truth
from bench.rca.peers import constant_peer, traversal_peer
from bench.rca.scoring import Target, scored, top_k_figures
from bench.rca.views import Recording, numbered, read_table, variants
from bench.result import Case, Figure, Peer
from core.frames import Floats
from core.models import Signal

STEP_SECONDS = 300.0
ISSUE_SAMPLES = 5
CONFIG = AnalysisConfig(
    window_seconds=ISSUE_SAMPLES * STEP_SECONDS, baseline_seconds=2 * 86400.0, step_seconds=STEP_SECONDS
)
SPLITS = ("train", "test")
METRICS = {("availability", "Average"): Signal.ERRORS, ("latency", "Average"): Signal.LATENCY}
REQUESTS = ("requests", "Sum")
TARGETS = {1: Target(floor=0.85, aim=1.0), 3: Target(floor=0.95, aim=1.0)}
GUESS = "PetSearch_AWS::ECS::Fargate"
"""The constant guess that stands beside the result: the most frequent culprit. The engine knows nothing of it."""


def cases(folder: Path) -> list[RcaCase]:
    """Every issue of every traffic folder."""
    found = []
    for traffic in sorted(path.parent for path in folder.glob("*/graph.csv")):
        for split in SPLITS:
            for issue in numbered([path.parent for path in (traffic / split).glob("*/target.json")]):
                alert = json.loads((issue / "target.json").read_text())["target"]
                build = partial(_recording, traffic, issue, alert["node"], float(alert["timestamp"]))
                found.append(
                    RcaCase(
                        system="petshop",
                        name=f"{traffic.name}/{split}/{issue.name}",
                        group=alert["metric"],
                        views=variants(build, CONFIG.window_seconds),
                        config=CONFIG,
                        truth=partial(_truth, issue),
                    )
                )
    return found


def score(outcomes: Sequence[Outcome]) -> tuple[list[Figure], list[Case]]:
    """Top-1 and top-3 with fair ties, all variants."""
    return top_k_figures("petshop", outcomes, TARGETS), [scored(one) for one in outcomes]


def peers(given: Sequence[RcaCase]) -> list[Peer]:
    """MAD > 5 then call-graph traversal, and a constant guess."""
    return [traversal_peer(given), constant_peer(given, GUESS)]


def _truth(issue: Path) -> Truth:
    cause = json.loads((issue / "target.json").read_text())["root_cause"]
    return Truth(cause["node"])


@lru_cache(maxsize=1)
def _usual(traffic: Path) -> tuple[list[tuple[str, ...]], Floats]:
    """The recording without issues; every case of a traffic folder compares with it."""
    return read_table(traffic / "noissue" / "metrics.csv", header_rows=3)


def _recording(traffic: Path, issue: Path, symptom: str, alerted_at: float) -> Recording:
    """The usual recording moved to end one step before the issue's."""
    usual_columns, usual = _usual(traffic)
    columns, rows = read_table(issue / "metrics.csv", header_rows=3)
    moved = usual[:, 0] - usual[-1, 0] + rows[0, 0] - STEP_SECONDS
    times = np.concatenate([moved, rows[:, 0]])
    before = dict(zip(usual_columns, usual.T, strict=True))
    nothing = np.full(moved.size, np.nan)
    frames = []
    for column, values in zip(columns, rows.T, strict=True):
        service, metric = column[0], column[1:]
        joined = np.concatenate([before.get(column, nothing), values])
        if metric == REQUESTS:
            frames.append(_frame(service, Signal.TRAFFIC, metric, times, joined / STEP_SECONDS))
        elif metric in METRICS:
            signal = METRICS[metric]
            failed = 1 - joined / 100 if signal is Signal.ERRORS else joined
            frames.append(_frame(service, signal, metric, times, failed))
    onset = float(rows[:, 0][rows[:, 0] <= alerted_at][-1])
    return Recording(tuple(frames), float(times[0]), onset, float(times[-1]), symptom, _graph(traffic / "graph.csv"))


def _frame(service: str, signal: Signal, metric: tuple[str, ...], times: Floats, values: Floats) -> SignalFrame:
    name = "/".join(metric)
    return SignalFrame(service, signal, name, "", times, values, f"{service}/{name}")


def _graph(path: Path) -> dict[str, tuple[str, ...]]:
    """The adjacency matrix: a row calls its columns. Names are compared as the metrics spell them."""
    header, *rows = (line.split(",") for line in path.read_text().splitlines() if line)
    return {row[0]: tuple(name for name, cell in zip(header[1:], row[1:], strict=True) if float(cell)) for row in rows}
