"""What each service says in each operation, compared with several earlier windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import sqrt
from statistics import median

from analysis.config import AnalysisConfig
from analysis.logs.categories import categorise
from analysis.logs.counting import Row, Rows
from analysis.logs.exposure import Exposures, Segments
from analysis.logs.miner import MinerConfig
from analysis.logs.reader import LogReader
from analysis.logs.stacks import folded
from analysis.rounding import significant
from core.frames import LogLine
from core.models import Severity, Window
from core.models.logs import LogCategory, LogChange
from core.traces import Span

NO_OPERATION = ""
MAX_TEMPLATE_CHARACTERS = 300


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
        severity: the source's, the line's, or that of the template's words.
        category: what it is about.
        change: what became of it.
        before, now: lines in all references and in the window.
        expected: lines that the window would have if it were as the median reference: per execution of the operation,
            or per second for lines without one.
        surprise: by how many standard deviations (Poisson) the window differs from a reference, median over the
            references; at least one line is taken as expected, so that a template that was never seen does not divide
            by zero. Negative: fewer lines than expected.
        rate_before, rate_now: lines per second; before is the median over the references.
        first_at: its first line in the window; None when it has none there.
        examples: a few messages as they were written, cut to a bounded length; of the window, when it has any there.
    """

    operation: str
    template: str
    severity: Severity
    category: LogCategory
    change: LogChange
    before: int
    now: int
    expected: float
    surprise: float
    rate_before: float
    rate_now: float
    first_at: datetime | None
    examples: tuple[str, ...]

    @property
    def example(self) -> str:
        """The first example."""
        return self.examples[0] if self.examples else ""


def operations(spans: Iterable[Span], window: Window, references: Sequence[Window]) -> Operations:
    """The operations of one service's own spans; a span counts in the window that it starts in."""
    clock = Segments(window, references)
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
    ``config.max_log_templates`` the rarest templates share one row of each severity, without an operation.
    """
    rows, exposures = _counted(lines, window, references, config, ran or Operations())
    return _sorted([_change(operation, row, exposures, config) for operation, row in rows])


def compare_service(
    lines: Sequence[LogLine],
    window: Window,
    references: Sequence[Window],
    config: AnalysisConfig,
    ran: Operations | None = None,
) -> tuple[TemplateChange, ...]:
    """As `compare`, all operations of the service together; `operation` names the one in which a template rose most.

    None is named where no operation's own change is surprising: where lines only follow the number of executions.
    """
    rows, exposures = _counted(lines, window, references, config, ran or Operations())
    together: dict[tuple[int, Severity], Row] = {}
    strongest: dict[tuple[int, Severity], TemplateChange] = {}
    for operation, row in rows:
        key = (row.template.id, row.severity)
        change = _change(operation, row, exposures, config)
        if operation and change.surprise >= config.robust_z:
            strongest[key] = max(strongest.get(key, change), change, key=lambda one: one.surprise)
        if key in together:
            together[key].join(row)
        else:
            together[key] = row
    changes = [(key, _change(NO_OPERATION, row, exposures, config)) for key, row in together.items()]
    return _sorted(
        [replace(one, operation=strongest[key].operation) if key in strongest else one for key, one in changes]
    )


def _sorted(changes: Iterable[TemplateChange]) -> tuple[TemplateChange, ...]:
    """Errors and the most surprising first; of equals, what came first in the lines."""
    return tuple(sorted(changes, key=lambda one: (-one.severity.rank, -one.surprise)))


def _counted(
    lines: Sequence[LogLine], window: Window, references: Sequence[Window], config: AnalysisConfig, ran: Operations
) -> tuple[list[tuple[str, Row]], Exposures]:
    """Operation and row of every template, and how much there was of each operation."""
    windows = 1 + len(references)
    rows = Rows(LogReader(MinerConfig(max_templates=config.max_log_templates)), windows)
    segments = Segments(window, references)
    spoke = [False] * windows
    for line, trace in folded(lines):
        inside = segments.windows(line.at)
        if inside:
            operation = ran.of_span.get(line.span_id, NO_OPERATION) if line.span_id else NO_OPERATION
            rows.add(operation, line, trace, inside)
            for index in inside:
                spoke[index] = True
    return rows.final(), Exposures(window, references, spoke, ran.executions)


def _change(operation: str, row: Row, exposures: Exposures, config: AnalysisConfig) -> TemplateChange:
    """Turn counts into expectations; windows without length have rate 0."""
    now, *before = row.lines
    exposed, *others = exposures.of(operation)
    expected = [lines * exposed / other for lines, other in zip(before, others, strict=True) if other > 0] or [0.0]
    surprise = significant(median((now - one) / sqrt(max(one, 1.0)) for one in expected))
    seconds = exposures.seconds
    rates = [lines / length for lines, length in zip(before, seconds[1:], strict=True) if length > 0] or [0.0]
    text = row.template.text
    return TemplateChange(
        operation=operation,
        template=text[:MAX_TEMPLATE_CHARACTERS],
        severity=row.severity,
        category=categorise(text),
        change=_kind(now, sum(before), surprise, config),
        before=sum(before),
        now=now,
        expected=significant(median(expected)),
        surprise=surprise,
        rate_before=median(rates),
        rate_now=now / seconds[0] if seconds[0] > 0 else 0.0,
        first_at=row.first_at,
        examples=tuple(row.examples),
    )


def _kind(now: int, before: int, surprise: float, config: AnalysisConfig) -> LogChange:
    if surprise >= config.robust_z and now >= config.min_log_lines:
        return LogChange.MORE if before else LogChange.NEW
    if surprise <= -config.robust_z:
        return LogChange.LESS if now else LogChange.VANISHED
    return LogChange.STEADY
