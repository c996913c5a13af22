"""Two signals by themselves on Nezha's cases, and the method of its authors as they report it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from analysis.view import SystemView
from bench.rca.case import RcaCase
from bench.rca.scoring import Ranking, credit, mean
from bench.result import Figure, Peer, figure
from core.models import Signal

ERROR_WORDS = ("error", "exception")
MAD_TO_SIGMA = 1.4826
TINY = 1e-9
PUBLISHED = {1: 0.867, 3: 0.978, 5: 0.978}


def cpu_peer(cases: Sequence[RcaCase]) -> Peer:
    """Services by the robust z of their CPU: the largest sample of the window against all before it."""
    return Peer(name="CPU robust z alone", figures=_figures(cases, _cpu))


def error_log_peer(cases: Sequence[RcaCase]) -> Peer:
    """Services by how many more lines with an error word a second they write than in the fault-free minute."""
    return Peer(name="error-log delta alone", figures=_figures(cases, _error_lines))


def published_peer() -> Peer:
    """Nezha itself; not run here."""
    note = "published, on all 45 cases; not re-measured"
    return Peer(
        name="Nezha (published)",
        source="Yu et al., FSE 2023, table 3",
        figures=tuple(figure(f"nezha.as_at_{k}", value, "share", note=note) for k, value in PUBLISHED.items()),
    )


def _figures(cases: Sequence[RcaCase], rank: Callable[[SystemView], Ranking]) -> tuple[Figure, ...]:
    rankings = [(case, rank(case.views["fault_free"]())) for case in cases]
    figures = []
    for k in (1, 3):
        value = mean([credit(ranking, case.truth().service, k) for case, ranking in rankings])
        figures.append(figure(f"nezha.as_at_{k}", value, "share"))
    return tuple(figures)


def _cpu(view: SystemView) -> Ranking:
    start, end = view.window.start.timestamp(), view.window.end.timestamp()
    ranking = []
    for frame in view.signals:
        if frame.signal is not Signal.CPU:
            continue
        before = frame.values[(frame.times < start) & np.isfinite(frame.values)]
        inside = frame.values[(frame.times >= start) & (frame.times <= end) & np.isfinite(frame.values)]
        if before.size and inside.size:
            median = np.median(before)
            scale = MAD_TO_SIGMA * np.median(np.abs(before - median)) + TINY
            ranking.append((frame.service, float(np.max(np.abs(inside - median)) / scale)))
    return ranking


def _error_lines(view: SystemView) -> Ranking:
    usual_seconds = sum(one.seconds for one in view.references)
    ranking = []
    for log in view.logs:
        found: Counter[bool] = Counter()
        for line in log.lines:
            if any(word in line.text.lower() for word in ERROR_WORDS):
                found[line.at >= view.window.start] += 1
        delta = found[True] / view.window.seconds - found[False] / usual_seconds
        ranking.append((log.service, max(0.0, delta)))
    return ranking
