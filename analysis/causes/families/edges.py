"""Calls that take the caller longer than the called: the network between them, or waiting to be accepted.

Both durations come from clocks that only measure spans of time, so the difference does not depend on what o'clock it is
anywhere. A slow way to a service shows on all calls to it, a slow way out of a service on all calls from it; the end on
whose side more of the calls became slow is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from analysis.causes.confidence import Family, saturation
from analysis.causes.families.began import work
from analysis.causes.families.reading import FamilyReading, Mark
from analysis.causes.families.windows import Gaps
from analysis.config import AnalysisConfig
from analysis.rounding import instant, significant
from analysis.topology import Topology
from analysis.traces.surprise import level_surprise
from analysis.view import SystemView
from core.models import FaultKind, Signal

MIN_WAYS_OUT = 2
"""A service with a single callee cannot be told from the callee: the callee is named, as it is what answers late."""


@dataclass(frozen=True, slots=True)
class Way:
    """The calls of one service to another.

    Attributes:
        surprise: z of the median gap; the way is slow from the threshold on.
        gap_seconds, usual_seconds: medians now and earlier.
        since: the first call in the window.
        evidence: ids of the spans of both ends.
    """

    caller: str
    callee: str
    surprise: float
    gap_seconds: float
    usual_seconds: float
    since: datetime
    evidence: tuple[str, ...]


def read(view: SystemView, topology: Topology, config: AnalysisConfig) -> FamilyReading:
    """Mark each end of the slow ways, by their surprise and by the share of its ways that are slow."""
    ways = _ways(view, config)
    marks = []
    for callee in dict.fromkeys(way.callee for way in ways):
        marks += _end(callee, [way for way in ways if way.callee == callee], config)
    for caller in dict.fromkeys(way.caller for way in ways):
        out = [way for way in ways if way.caller == caller]
        if len(out) >= MIN_WAYS_OUT:
            marks += _end(caller, out, config)
    return FamilyReading(Family.EDGES, tuple(marks))


def way(caller: str, callee: str) -> str:
    """How the way from one service to another is called, whichever end is blamed for it."""
    return f"{caller} -> {callee}"


def _ways(view: SystemView, config: AnalysisConfig) -> list[Way]:
    evidence = {frame.service: frame.evidence for frame in view.traces}
    found = []
    for (caller, callee), (now, *before) in work(view, config).ways.items():
        usual = [_median(each) for each in before if each]
        if not now or not usual or caller not in evidence:
            continue
        gap = _median(now)
        held = (evidence[caller], *((evidence[callee],) if callee in evidence else ()))
        surprise = level_surprise(gap, usual, config.floor(Signal.LATENCY))
        found.append(Way(caller, callee, surprise, gap, median(usual), now[0][0], held))
    return found


def _end(service: str, ways: Sequence[Way], config: AnalysisConfig) -> list[Mark]:
    """The mark of one end; none when none of its ways is slow."""
    slow = [way for way in ways if way.surprise >= config.robust_z]
    if not slow:
        return []
    worst = max(slow, key=lambda way: way.surprise)
    shown = f"{significant(worst.gap_seconds, 3):g} s more than {worst.callee} works on them"
    usual = f"usually {significant(worst.usual_seconds, 3):g}"
    return [
        Mark(
            service=service,
            score=significant(sum(way.surprise for way in slow) * len(slow) / len(ways)),
            kind=FaultKind.NETWORK_DELAY,
            component=way(worst.caller, worst.callee),
            statement=f"calls from {worst.caller} to {worst.callee} take {shown}, {usual}",
            onset=instant(min(way.since for way in slow).timestamp()),
            evidence=tuple(dict.fromkeys(name for way in slow for name in way.evidence)),
            strength=saturation(worst.surprise, config.robust_z),
            own=True,
        )
    ]


def _median(gaps: Gaps) -> float:
    return median(gap for _, gap in gaps)
