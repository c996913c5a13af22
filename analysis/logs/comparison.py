"""What each service says in each operation, compared with several earlier windows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import sqrt
from statistics import median

from analysis.config import AnalysisConfig
from analysis.logs.templates import MAX_TEMPLATE_CHARACTERS, OVERFLOW, mask, parse
from analysis.rounding import significant
from core.frames import LogLine
from core.models import Severity, Window
from core.models.logs import LogChange
from core.traces import Span

NO_OPERATION = ""


@dataclass(frozen=True, slots=True)
class Operations:
    """Which operation a line belongs to, and how often each operation ran.

    Attributes:
        of_span: name of the operation by span id.
        executions: by operation, how often it ran in the window and in each reference, in this order.
    """

    of_span: Mapping[str, str] = field(default_factory=dict)
    executions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """One template of one operation of one service, now and in the references.

    Attributes:
        operation: name of the span that wrote the lines; empty for lines without a known span.
        template: the message with its variable parts masked.
        severity: the worst that was seen.
        change: what became of it.
        before, now: lines in all references and in the window.
        expected: lines that the window would have if it were as the median reference: per execution of the operation,
            or per second for lines without one.
        surprise: by how many standard deviations (Poisson) the window differs from a reference, median over the
            references; at least one line is taken as expected, so that a template that was never seen does not divide
            by zero. Negative: fewer lines than expected.
        rate_before, rate_now: lines per second; before is the median over the references.
        first_at: its first line in the window; None when it has none there.
        example: one line, as it was written, cut to a bounded length; of the window, when it has one there.
    """

    operation: str
    template: str
    severity: Severity
    change: LogChange
    before: int
    now: int
    expected: float
    surprise: float
    rate_before: float
    rate_now: float
    first_at: datetime | None
    example: str


def operations(spans: Iterable[Span], window: Window, references: Sequence[Window]) -> Operations:
    """The operations of one service's own spans; a span counts in the window that it starts in."""
    clock = _Segments(window, references)
    of_span: dict[str, str] = {}
    executions: dict[str, list[int]] = {}
    for span in spans:
        of_span[span.span_id] = span.name
        counts = executions.setdefault(span.name, [0] * (1 + len(references)))
        for index in clock.windows(span.start):
            counts[index] += 1
    return Operations(of_span, {name: tuple(counts) for name, counts in executions.items()})


def compare(
    lines: Sequence[LogLine],
    window: Window,
    references: Sequence[Window],
    config: AnalysisConfig,
    ran: Operations | None = None,
) -> tuple[TemplateChange, ...]:
    """Every template of one service's lines, errors and the most surprising first; other times are ignored.

    A reference in which the operation did not run says nothing of it; for lines without an operation, one in which the
    service wrote nothing at all, unless it wrote nothing in any. Memory is bounded: beyond
    ``config.max_log_templates`` new templates share one row of each severity.
    """
    ran = ran or Operations()
    segments = _Segments(window, references)
    counts: dict[tuple[str, str, Severity], _Count] = {}
    silent = [True] * (1 + len(references))
    for line in lines:
        inside = segments.windows(line.at)
        if not inside:
            continue
        message, severity = parse(line)
        operation = ran.of_span.get(line.span_id, NO_OPERATION) if line.span_id else NO_OPERATION
        key = (operation, mask(message), severity)
        if key not in counts and len(counts) >= config.max_log_templates:
            key = (NO_OPERATION, OVERFLOW, severity)
        count = counts.setdefault(key, _Count([0] * (1 + len(references)), severity))
        count.add(line, inside)
        for index in inside:
            silent[index] = False
    exposures = _Exposures(window, references, silent, ran)
    changes = [
        _change(operation, template, count, exposures, config) for (operation, template, _), count in counts.items()
    ]
    return tuple(sorted(changes, key=lambda one: (-one.severity.rank, -one.surprise)))


class _Segments:
    """Time cut at the borders of all windows, so that a search tells which windows a moment lies in."""

    def __init__(self, window: Window, references: Sequence[Window]) -> None:
        windows = (window, *references)
        self._end = window.end
        self._borders = sorted({moment for one in windows for moment in (one.start, one.end)})
        self._inside = [(), *(self._of(start, windows) for start in self._borders)]

    @staticmethod
    def _of(start: datetime, windows: Sequence[Window]) -> tuple[int, ...]:
        return tuple(index for index, one in enumerate(windows) if one.start <= start < one.end)

    def windows(self, at: datetime) -> tuple[int, ...]:
        """Indices of the windows that hold a moment: 0 is the analysed one, which includes its end."""
        if at == self._end:
            return (0,)
        return self._inside[bisect_right(self._borders, at)]


@dataclass(slots=True)
class _Count:
    """A template while it is being counted, one number a window."""

    lines: list[int]
    severity: Severity
    example: str = ""
    first_at: datetime | None = None

    def add(self, line: LogLine, inside: tuple[int, ...]) -> None:
        for index in inside:
            self.lines[index] += 1
        if inside[0] == 0 and (self.first_at is None or line.at < self.first_at):
            self.first_at = line.at
            self.example = line.text[:MAX_TEMPLATE_CHARACTERS]
        elif not self.example:
            self.example = line.text[:MAX_TEMPLATE_CHARACTERS]


class _Exposures:
    """How much of each operation there was in each window: executions, or seconds for lines without one."""

    def __init__(self, window: Window, references: Sequence[Window], silent: Sequence[bool], ran: Operations) -> None:
        self.seconds = tuple(one.seconds for one in (window, *references))
        spoke = [not quiet for quiet in silent[1:]]
        heard = tuple(
            seconds if index == 0 or spoke[index - 1] or not any(spoke) else 0.0
            for index, seconds in enumerate(self.seconds)
        )
        self._of = {NO_OPERATION: heard, **ran.executions}

    def of(self, operation: str) -> tuple[float, ...]:
        """The window's, then those of the references."""
        return self._of.get(operation) or self.seconds


def _change(
    operation: str, template: str, count: _Count, exposures: _Exposures, config: AnalysisConfig
) -> TemplateChange:
    """Turn counts into expectations; windows without length have rate 0."""
    now, *before = count.lines
    exposed, *others = exposures.of(operation)
    expected = [lines * exposed / other for lines, other in zip(before, others, strict=True) if other > 0] or [0.0]
    surprise = significant(median((now - one) / sqrt(max(one, 1.0)) for one in expected))
    seconds = exposures.seconds
    rates = [lines / length for lines, length in zip(before, seconds[1:], strict=True) if length > 0] or [0.0]
    return TemplateChange(
        operation=operation,
        template=template,
        severity=count.severity,
        change=_kind(now, sum(before), surprise, config),
        before=sum(before),
        now=now,
        expected=significant(median(expected)),
        surprise=surprise,
        rate_before=median(rates),
        rate_now=now / seconds[0] if seconds[0] > 0 else 0.0,
        first_at=count.first_at,
        example=count.example,
    )


def _kind(now: int, before: int, surprise: float, config: AnalysisConfig) -> LogChange:
    if surprise >= config.robust_z and now >= config.min_log_lines:
        return LogChange.MORE if before else LogChange.NEW
    if surprise <= -config.robust_z:
        return LogChange.LESS if now else LogChange.VANISHED
    return LogChange.STEADY
