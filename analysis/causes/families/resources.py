"""Resources: whose CPU, memory, disk, network, pool or files left their usual by far more than anybody else's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from analysis.causes.confidence import Family, saturation
from analysis.causes.families.reading import FamilyReading, Mark
from analysis.config import AnalysisConfig, Floor
from analysis.rounding import instant, significant
from analysis.series.readings import Reading
from analysis.series.readings import read as read_series
from analysis.topology import Topology
from analysis.view import SignalFrame, SystemView
from core.models import Shape, Signal

RESOURCES = frozenset({Signal.CPU, Signal.MEMORY, Signal.DISK, Signal.NETWORK, Signal.POOL, Signal.FILES})

FLOORS = {Signal.CPU: Floor(absolute=0.01, relative=0.10)}
"""A percentage point of a core, finer than for findings, as marks only weigh services against each other. Without a
floor idle services would reach a z in the thousands."""

RISES = (Shape.LEVEL_SHIFT, Shape.TREND, Shape.SPIKE)
CALLER_DISCOUNT = 0.5
"""What is left of a caller's mark when something that it calls changed at least as much: its work follows."""


def read(view: SystemView, topology: Topology, config: AnalysisConfig) -> FamilyReading:
    """Mark every service by its most unusual resource, in units of its floored scale and in proportion to its traffic.

    No mark knows its kind: that more of a resource is used is a fault only for the rules and shapes that say so.
    """
    fine = config.model_copy(update={"floors": {**config.floors, **FLOORS}, "max_z": float("inf")})
    growth = {one.service: _growth(one, view, config) for one in view.signals if one.signal is Signal.TRAFFIC}
    best: dict[str, Mark] = {}
    for frame in view.signals:
        if frame.signal in RESOURCES:
            reading = read_series(frame, view.window, view.baseline, fine)
            mark = _mark(frame, reading, growth.get(frame.service, 1.0), config)
            if mark is not None and (frame.service not in best or mark.score > best[frame.service].score):
                best[frame.service] = mark
    return FamilyReading(Family.RESOURCE, tuple(discount_callers(best.values(), topology)))


def discount_callers(marks: Iterable[Mark], topology: Topology) -> list[Mark]:
    """Marks with those of callers lowered whose direct callee is marked at least as high."""
    scores = {mark.service: mark.score for mark in marks}
    return [
        replace(mark, score=mark.score * CALLER_DISCOUNT)
        if any(scores.get(callee, 0.0) >= mark.score for callee in topology.callees(mark.service))
        else mark
        for mark in marks
    ]


def _growth(frame: SignalFrame, view: SystemView, config: AnalysisConfig) -> float:
    """How many times the usual requests a service gets, at least once."""
    reading = read_series(frame, view.window, view.baseline, config)
    if reading.shape not in RISES or reading.normal is None or reading.normal.median <= 0:
        return 1.0
    return max(1.0, (reading.current or 0.0) / reading.normal.median)


def _mark(frame: SignalFrame, reading: Reading, growth: float, config: AnalysisConfig) -> Mark | None:
    """The mark of one series; None when it did not rise beyond what its requests explain."""
    normal = reading.normal
    if reading.shape not in RISES or normal is None or reading.current is None or normal.scale <= 0:
        return None
    usual = normal.median * (growth if frame.signal is Signal.CPU else 1.0)
    z = (reading.current - usual) / normal.scale
    if z < config.robust_z:
        return None
    return Mark(
        service=frame.service,
        score=z,
        kind=None,
        component=frame.metric,
        statement=f"{frame.signal} of {frame.service} is {significant(reading.current):g} {frame.unit}".rstrip()
        + f", usually {significant(normal.median):g}",
        onset=instant(reading.onset.at) if reading.onset else None,
        evidence=(frame.evidence,),
        strength=saturation(z, config.robust_z) * (0.5 if reading.shape is Shape.SPIKE else 1.0),
    )
