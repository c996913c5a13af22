"""Requests of each operation of each service, now and in every earlier window, with what they logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from analysis.causes.confidence import saturation
from analysis.causes.families.reading import Mark
from analysis.logs.miner import MinerConfig, Template
from analysis.logs.reader import LogReader
from analysis.logs.stacks import folded
from analysis.references import reference_windows
from analysis.rounding import instant
from analysis.traces.requests import Request, Requests, requests
from analysis.view import SystemView

Gaps = Sequence[tuple[datetime, float]]
"""Instant of each call, and seconds by which it took its caller longer."""

Lines = Mapping[int, Sequence[str]]
"""Templates of the lines that a request wrote, in order, by index of the request."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """One operation of one service.

    Attributes:
        service: name in the inventory.
        name: of the operation.
        now: its requests in the window, oldest first, each with its index among all.
        before: the same in each earlier window.
        evidence: id of what holds the spans.
    """

    service: str
    name: str
    now: Sequence[tuple[int, Request]]
    before: Sequence[Sequence[tuple[int, Request]]]
    evidence: str

    def mark(self, z: float, told: str, first: Request, threshold: float, *, own: bool = False, log: str = "") -> Mark:
        """A mark of the service, shown by this operation since that request, and by the evidence of its log."""
        return Mark(
            service=self.service,
            score=abs(z),
            kind=None,
            component=self.name,
            statement=f"{self.service}: {told}",
            onset=instant(first.span.start.timestamp()),
            evidence=(log, self.evidence) if log else (self.evidence,),
            strength=saturation(z, threshold),
            own=own,
        )


@dataclass(frozen=True, slots=True)
class Work:
    """What the families read of the spans of one view.

    Attributes:
        operations: that answered a request in the window, in the order of their first requests.
        lines: what they wrote.
        ways: gaps of the calls by caller and callee: those of the window, then those of each reference.
    """

    operations: tuple[Grouped, ...]
    lines: Lines
    ways: Mapping[tuple[str, str], Sequence[Gaps]]


MAX_TEMPLATES = 500
"""Kept of one service; the rarest beyond them read alike."""


def grouped(view: SystemView) -> Work:
    """The requests of a view, put together."""
    made = requests(view.traces)
    return Work(_operations(view, made), _lines(view, made), _ways(view, made))


def written(part: Iterable[tuple[int, Request]], lines: Lines) -> list[Sequence[str]]:
    """What each request logged."""
    return [lines.get(index, ()) for index, _ in part]


def called(part: Iterable[tuple[int, Request]]) -> list[Sequence[str]]:
    """Whom each request called for what."""
    return [[f"{call.callee} {call.operation}" for call in request.calls] for _, request in part]


def writes(operation: Grouped, lines: Lines) -> bool:
    """Whether any request of an operation logs anything."""
    return any(index in lines for part in (operation.now, *operation.before) for index, _ in part)


def indices(windows: Sequence[tuple[datetime, datetime]], at: datetime) -> list[int]:
    """Which windows an instant lies in; the analysed one, the first, includes its end."""
    return [index for index, (start, end) in enumerate(windows) if start <= at < end or (index == 0 and at == end)]


def windows_of(view: SystemView) -> list[tuple[datetime, datetime]]:
    """The analysed window, then the references."""
    return [
        (one.start, one.end) for one in (view.window, *reference_windows(view.window, view.baseline, view.references))
    ]


def _operations(view: SystemView, made: Requests) -> tuple[Grouped, ...]:
    windows = windows_of(view)
    found: defaultdict[tuple[str, str], list[list[tuple[int, Request]]]] = defaultdict(lambda: [[] for _ in windows])
    for position, request in enumerate(made.all):
        for index in indices(windows, request.span.start):
            found[(request.service, request.operation)][index].append((position, request))
    evidence = {frame.service: frame.evidence for frame in view.traces}
    return tuple(
        Grouped(service, name, parts[0], parts[1:], evidence[service])
        for (service, name), parts in found.items()
        if parts[0] and service in evidence
    )


def _ways(view: SystemView, made: Requests) -> dict[tuple[str, str], list[list[tuple[datetime, float]]]]:
    windows = windows_of(view)
    found: defaultdict[tuple[str, str], list[list[tuple[datetime, float]]]] = defaultdict(lambda: [[] for _ in windows])
    for request in made.all:
        for call in request.calls:
            gap = call.gap_seconds
            if gap is not None and call.callee != request.service:
                for index in indices(windows, call.span.start):
                    found[(request.service, call.callee)][index].append((call.span.start, gap))
    return dict(found)


def _lines(view: SystemView, made: Requests) -> Lines:
    """Lines are joined by the span that wrote them, and only to requests of the service that wrote them."""
    found: defaultdict[int, list[tuple[datetime, Template]]] = defaultdict(list)
    for log in view.logs:
        reader = LogReader(MinerConfig(max_templates=MAX_TEMPLATES))
        for line, trace in folded(log.lines):
            index = made.of_span.get((line.trace_id, line.span_id)) if line.span_id else None
            if index is not None and made.all[index].service == log.service:
                found[index].append((line.at, reader.read(line, trace)[0]))
    return {
        index: [_text(template) for _, template in sorted(lines, key=lambda one: one[0])]
        for index, lines in found.items()
    }


def _text(template: Template) -> str:
    """The template as it reads after all lines were seen: others may have joined it, or it them."""
    while template.into is not None:
        template = template.into
    return template.text
