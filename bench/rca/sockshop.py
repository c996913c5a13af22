"""Sock Shop: CPU and memory stress on five services, one sample a second.

Source: Ikram et al., "Root Cause Analysis of Failures in Microservices through Causal Discovery" (NeurIPS 2022). The
normal and the anomalous recording are hours apart; the normal one is put right before the anomalous one, whose first
row is the onset. There is no alert and no call graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from analysis.config import AnalysisConfig
from analysis.view import SignalFrame
from bench.rca.case import Outcome, RcaCase, Truth
from bench.rca.peers import baro_peer
from bench.rca.scoring import Target, average_at_figures, scored
from bench.rca.views import Recording, numbered, read_table, variants
from bench.result import Case, Figure, Peer
from core.models import Signal

STEP_SECONDS = 1.0
CONFIG = AnalysisConfig(window_seconds=300.0, baseline_seconds=300.0, step_seconds=STEP_SECONDS)
SUFFIXES: dict[str, tuple[Signal, float]] = {
    "cpu": (Signal.CPU, 0.01),
    "mem": (Signal.MEMORY, 1.0),
    "lod": (Signal.TRAFFIC, 1.0),
    "lat_50": (Signal.LATENCY, 1.0),
}
"""Ending of a column -> what it measures, and what turns it into the analysis' unit: CPU comes in percent of a core."""
TARGET = Target(floor=0.99, aim=1.0)


def cases(folder: Path) -> list[RcaCase]:
    """Every `<service>-<resource>/<run>` folder."""
    groups = sorted(path for path in folder.iterdir() if path.is_dir() and "-" in path.name)
    return [_case(run) for group in groups for run in numbered([path.parent for path in group.glob("*/anomalous.csv")])]


def score(outcomes: Sequence[Outcome]) -> tuple[list[Figure], list[Case]]:
    """Avg@5 a resource, for the service and for its metric, all variants."""
    return average_at_figures("sockshop", outcomes, TARGET), [scored(one) for one in outcomes]


def peers(given: Sequence[RcaCase]) -> list[Peer]:
    """BARO's robust scorer."""
    return [baro_peer(given)]


def _case(run: Path) -> RcaCase:
    service, _, resource = run.parent.name.rpartition("-")
    return RcaCase(
        system="sockshop",
        name=f"{run.parent.name}/{run.name}",
        group=resource,
        views=variants(partial(_recording, run), CONFIG.window_seconds),
        config=CONFIG,
        truth=partial(Truth, service, f"{service}_{resource}"),
    )


def _recording(run: Path) -> Recording:
    usual_columns, usual = read_table(run / "normal.csv")
    columns, rows = read_table(run / "anomalous.csv")
    times = np.concatenate([usual[:, 0] - usual[-1, 0] + rows[0, 0] - STEP_SECONDS, rows[:, 0]])
    before = dict(zip(usual_columns, usual.T, strict=True))
    nothing = np.full(usual.shape[0], np.nan)
    frames = []
    for (name,), values in zip(columns, rows.T, strict=True):
        service, _, ending = name.partition("_")
        if ending in SUFFIXES:
            signal, factor = SUFFIXES[ending]
            joined = np.concatenate([before.get((name,), nothing), values]) * factor
            frames.append(SignalFrame(service, signal, name, "", times, joined, name))
    return Recording(tuple(frames), float(times[0]), float(rows[0, 0]), float(times[-1]), "", {})
