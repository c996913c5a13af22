"""Whom an operation calls, and in which order: missing, added and short-circuited child calls.

What an operation logs tells the same in finer steps. Counted twice it would be two witnesses of one observation, so
operations whose requests write lines are left to the family of patterns.
"""

from __future__ import annotations

from analysis.causes.confidence import Family
from analysis.causes.families.began import work
from analysis.causes.families.reading import FamilyReading, Mark
from analysis.causes.families.windows import Grouped, called, writes
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from analysis.traces.sequences import BEGIN, END, TURN_Z, Turn, turns
from analysis.view import SystemView


def read(view: SystemView, topology: Topology, config: AnalysisConfig) -> FamilyReading:
    """Mark services by the most surprising turn among the calls of each of their operations."""
    done = work(view, config)
    marks = [_mark(operation, config) for operation in done.operations if not writes(operation, done.lines)]
    return FamilyReading(Family.CALLS, tuple(mark for mark in marks if mark is not None))


def _mark(operation: Grouped, config: AnalysisConfig) -> Mark | None:
    found = turns(called(operation.now), [called(each) for each in operation.before], TURN_Z)
    if not found:
        return None
    return operation.mark(
        found[0].surprise, _told(found[0], operation), operation.now[found[0].first][1], config.robust_z
    )


def _told(turn: Turn, operation: Grouped) -> str:
    now, before = turn.now, turn.before
    what = "no further call comes" if turn.event == END else f"a call to {turn.event} comes"
    where = "at the start" if turn.after[-1] == BEGIN else f"after the call to {turn.after[-1]}"
    return (
        f"in {operation.name}, {where} {what} {now.part} of {now.whole} times, usually {before.part} of {before.whole}"
    )
