"""Operations that fail, or take longer, by themselves: not because of what they call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from analysis.causes.confidence import Family
from analysis.causes.families.began import work
from analysis.causes.families.reading import FamilyReading, Mark
from analysis.causes.families.windows import Grouped
from analysis.config import AnalysisConfig
from analysis.rounding import significant
from analysis.topology import Topology
from analysis.traces.requests import Request
from analysis.traces.surprise import Share, level_surprise, share_surprise
from analysis.view import SystemView
from core.models import Signal

MIN_REQUESTS = 3
"""Fewer requests of an operation say nothing of it, now or earlier."""


def read(view: SystemView, topology: Topology, config: AnalysisConfig) -> FamilyReading:
    """Mark services by the share of requests that failed though no call of theirs did, and by their self time."""
    marks = [mark for operation in work(view, config).operations for mark in _marks(operation, config)]
    return FamilyReading(Family.OPERATIONS, tuple(marks))


def _marks(operation: Grouped, config: AnalysisConfig) -> Iterable[Mark]:
    now = [request for _, request in operation.now]
    before = [[request for _, request in each] for each in operation.before if len(each) >= MIN_REQUESTS]
    if len(now) < MIN_REQUESTS or not before:
        return
    failed = _failed(now)
    failing = share_surprise(failed, [_failed(each) for each in before])
    if failing >= config.robust_z:
        first = next(request for request in now if request.failed_itself)
        told = f"{failed.part} of {failed.whole} requests fail by themselves in {operation.name}"
        yield operation.mark(failing, told, first, config.robust_z, own=True)
    taken, usual = _self_seconds(now), [_self_seconds(each) for each in before]
    slower = level_surprise(taken, usual, config.floor(Signal.LATENCY))
    if slower >= config.robust_z:
        shown = f"{significant(taken, 3):g} s by itself, usually {significant(median(usual), 3):g}"
        yield operation.mark(slower, f"{operation.name} takes {shown}", now[0], config.robust_z, own=True)


def _failed(requests: Sequence[Request]) -> Share:
    return Share(sum(request.failed_itself for request in requests), len(requests))


def _self_seconds(requests: Sequence[Request]) -> float:
    return median(request.self_seconds for request in requests)
