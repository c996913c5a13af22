"""What a service logs while an operation runs: which line follows which, now and in earlier windows.

Lines are joined to operations by the span that wrote them, so a change of traffic or of the mix of operations is none
here. Lines without a span say nothing of an operation; they count as findings of their own.
"""

from __future__ import annotations

from analysis.causes.confidence import Family
from analysis.causes.families.began import work
from analysis.causes.families.reading import FamilyReading, Mark
from analysis.causes.families.windows import Grouped, Lines, written
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from analysis.traces.sequences import BEGIN, END, TURN_Z, Turn, turns
from analysis.view import SystemView

SHOWN_CHARACTERS = 120


def read(view: SystemView, topology: Topology, config: AnalysisConfig) -> FamilyReading:
    """Mark services by the most surprising turn among the lines of each of their operations."""
    done = work(view, config)
    logs = {log.service: log.evidence for log in view.logs}
    marks = [
        _mark(operation, done.lines, logs[operation.service], config)
        for operation in done.operations
        if operation.service in logs
    ]
    return FamilyReading(Family.PATTERNS, tuple(mark for mark in marks if mark is not None))


def _mark(operation: Grouped, lines: Lines, log: str, config: AnalysisConfig) -> Mark | None:
    found = turns(written(operation.now, lines), [written(each, lines) for each in operation.before], TURN_Z)
    if not found:
        return None
    first = operation.now[found[0].first][1]
    return operation.mark(found[0].surprise, _told(found[0], operation), first, TURN_Z, log=log)


def _told(turn: Turn, operation: Grouped) -> str:
    now, before = turn.now, turn.before
    what = "the end" if turn.event == END else f"{turn.event[:SHOWN_CHARACTERS]!r}"
    where = "at the start" if turn.after[-1] == BEGIN else f"after {turn.after[-1][:SHOWN_CHARACTERS]!r}"
    shares = f"{now.part} of {now.whole} times, usually {before.part} of {before.whole}"
    return f"in {operation.name}, {where} comes {what} {shares}"
