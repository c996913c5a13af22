"""Simple methods on the same cases, as plain as their authors describe them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np

from analysis.view import SignalFrame, SystemView
from bench.rca.case import RcaCase
from bench.rca.scoring import Ranking, average_credit, credit, mean
from bench.result import Figure, Peer, figure
from core.frames import Floats
from core.models import Signal

MAD_THRESHOLD = 5.0
THIRD_SAMPLE = 2
"""The traversal looks at the third sample of an issue, or at the first later one at which the alert's service shows."""
MEGABYTE = 1e6


def traversal_peer(cases: Sequence[RcaCase]) -> Peer:
    """PetShop's baseline: nodes beyond 5 MAD that call no such node, with an unusual path to the alert's service."""
    rankings = [
        (case, _traversal(_whole(case), Signal.ERRORS if case.group == "availability" else Signal.LATENCY))
        for case in cases
    ]
    source = "amazon-science/petshop-root-cause-analysis, baseline_anomaly_traversal"
    return Peer(name="MAD > 5, then call-graph traversal", source=source, figures=_top("petshop", rankings))


def constant_peer(cases: Sequence[RcaCase], guess: str) -> Peer:
    """The same answer to every case."""
    return Peer(name=f"always {guess}", figures=_top("petshop", [(case, [(guess, 1.0)]) for case in cases]))


def baro_peer(cases: Sequence[RcaCase]) -> Peer:
    """BARO's robust scorer: the largest sample of each series in units of its usual interquartile range."""
    figures = []
    rankings = [(case, _robust_scorer(_given(case))) for case in cases]
    levels: tuple[tuple[str, Callable[[str], str]], ...] = (("service", _service_of), ("service_metric", str))
    for group in sorted({case.group for case in cases}):
        for level, name_of in levels:
            values = []
            for case, ranking in rankings:
                if case.group == group:
                    truth = case.truth()
                    wanted = truth.service if level == "service" else truth.component
                    values.append(average_credit([(name_of(name), score) for name, score in ranking], wanted))
            figures.append(figure(f"sockshop.avg_at_5.{group}.{level}", mean(values), "share"))
    source = "Pham et al., BARO (FSE 2024); ASE 2024, table 5"
    return Peer(name="BARO robust scorer", source=source, figures=tuple(figures))


def _top(system: str, rankings: Sequence[tuple[RcaCase, Ranking]]) -> tuple[Figure, ...]:
    return tuple(
        figure(
            f"{system}.top_{k}", mean([credit(ranking, case.truth().service, k) for case, ranking in rankings]), "share"
        )
        for k in (1, 3)
    )


def _given(case: RcaCase) -> SystemView:
    return case.views["given"]()


def _whole(case: RcaCase) -> SystemView:
    return case.views["estimated"]()


def _split(frame: SignalFrame, view: SystemView) -> tuple[Floats, Floats]:
    """Values before and in the window, NaN kept."""
    start, end = view.window.start.timestamp(), view.window.end.timestamp()
    return frame.values[frame.times < start], frame.values[(frame.times >= start) & (frame.times <= end)]


def _deviations(before: Floats, inside: Floats) -> Floats:
    """Distance from the median in MADs, 0 where it is not beyond the threshold; shape of `inside`."""
    known = before[np.isfinite(before)]
    if known.size < 10:
        return np.zeros(inside.size)
    distance = np.nan_to_num(np.abs(inside - np.median(known)))
    if np.std(known) == 0:
        return distance
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = distance / (1.4826 * np.median(np.abs(known - np.median(known))))
    scores = np.nan_to_num(scores, nan=0.0, posinf=np.finfo(np.float64).max)
    return np.where(scores > MAD_THRESHOLD, scores, 0.0)


def _traversal(view: SystemView, signal: Signal) -> Ranking:
    frames = {frame.service: frame for frame in view.signals if frame.signal is signal}
    scores = {name: _deviations(*_split(frame, view)) for name, frame in frames.items()}
    symptom = scores.get(view.symptom)
    if symptom is None or not symptom[THIRD_SAMPLE:].any():
        return []
    row = THIRD_SAMPLE + int(np.argmax(symptom[THIRD_SAMPLE:] > 0))
    unusual = {name: float(values[row]) for name, values in scores.items() if row < values.size and values[row] > 0}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(unusual)
    graph.add_edges_from(
        (callee, caller)
        for caller, callees in view.dependencies.items()
        for callee in callees
        if caller in unusual and callee in unusual
    )
    ranking = []
    for name in unusual:
        if not list(graph.predecessors(name)):
            paths = [[name]] if name == view.symptom else nx.all_simple_paths(graph, name, view.symptom)
            totals = [sum(min(unusual[node], 1e9) for node in path) for path in paths]
            ranking += [(name, max(totals))] if totals else []
    return ranking


def _robust_scorer(view: SystemView) -> Ranking:
    """scikit-learn's RobustScaler on the usual samples: median and interquartile range, 1 where that is 0.

    Constant series are left out and memory is in megabytes, as in BARO's preprocessing.
    """
    ranking = []
    for frame in view.signals:
        before, inside = _split(frame, view)
        if frame.signal is Signal.MEMORY:
            before, inside = before / MEGABYTE, inside / MEGABYTE
        if not np.isfinite(before).any() or not np.isfinite(inside).any() or np.nanstd(before) == 0:
            continue
        low, median, high = np.nanpercentile(before, [25, 50, 75])
        ranking.append((frame.metric, float(np.nanmax(inside - median) / ((high - low) or 1.0))))
    return ranking


def _service_of(metric: str) -> str:
    return metric.partition("_")[0]
