"""What spans say of one service: its operations, and its calls as both ends saw them.

Only durations are compared between services, never instants: the clocks of two machines differ, and a sender may write
whatever it likes. Parents and children follow OpenTelemetry's data model
(https://opentelemetry.io/docs/specs/otel/trace/api/#span).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.rounding import significant
from core.traces import Span, SpanKind

UNKNOWN = "unknown"
"""A callee that neither answered with a span nor is named by its caller."""

SERVED = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})
CALLING = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})

SpanId = tuple[str, str]
"""Trace and span: alone, the id of a span is no more than eight bytes that a sender chose."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much of one thing there was in a span of time, and how it went. All figures have 4 significant digits.

    Attributes:
        count: requests or calls that were seen.
        per_second: the same over the time they were seen in.
        errors: share that failed, 0..1.
        p95_seconds: 95th percentile of the duration.
        unexplained_seconds: 95th percentile of what nothing else accounts for: of a request the time outside of its
            known children (self time), of a call the client's time beyond the server's (network and waiting). None
            where no child, or no other end, is known. Negative when the server worked on after its caller had gone.
    """

    count: int
    per_second: float
    errors: float
    p95_seconds: float
    unexplained_seconds: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One operation, or one callee, now and usually; None where it was not seen."""

    name: str
    now: Load | None
    before: Load | None


def operations(spans: Sequence[Span], seconds: float) -> dict[str, Load]:
    """Requests that one service answered, by name of the operation; where kinds are left out, whatever others caused.

    Args:
        spans: of this service.
        seconds: the time in which they began.
    """
    children = _children(spans)
    grouped: defaultdict[str, list[Span]] = defaultdict(list)
    own_ids = {(span.trace_id, span.span_id) for span in spans}
    for span in spans:
        internal_root = span.kind not in CALLING and not span.parent_id
        asked_by_another = span.kind is SpanKind.UNSPECIFIED and (span.trace_id, span.parent_id) not in own_ids
        if span.kind in SERVED or internal_root or asked_by_another:
            grouped[span.name].append(span)
    loads: dict[str, Load] = {}
    for name, asked in grouped.items():
        known = any((span.trace_id, span.span_id) in children for span in asked)
        own = [self_seconds(span, children.get((span.trace_id, span.span_id), ())) for span in asked]
        loads[name] = _load(asked, seconds, own if known else [])
    return loads


def calls(spans: Sequence[Span], others: Iterable[Span], names: Mapping[str, str], seconds: float) -> dict[str, Load]:
    """Calls that one service made, by the one that was called.

    Args:
        spans: of this service.
        others: of the services that it calls.
        names: of services, by what their spans call them, where the two differ.
        seconds: the time in which they began.
    """
    answered = answers([*others, *spans])
    grouped: defaultdict[str, list[Span]] = defaultdict(list)
    gaps: defaultdict[str, list[float]] = defaultdict(list)
    for span in spans:
        answer = answered.get((span.trace_id, span.span_id))
        if answer is None and span.kind not in CALLING:
            continue
        callee = (answer.service if answer else span.peer) or UNKNOWN
        callee = names.get(callee, callee)
        grouped[callee].append(span)
        # a message is worked on after its producer went on
        if answer and span.kind is not SpanKind.PRODUCER and answer.kind is not SpanKind.CONSUMER:
            gaps[callee].append(span.duration_seconds - answer.duration_seconds)
    return {callee: _load(made, seconds, gaps[callee]) for callee, made in grouped.items()}


def answers(spans: Iterable[Span]) -> dict[SpanId, Span]:
    """Spans of the answering side, by the call that they answer.

    What answers says so by its kind; where the kind is left out, it is the child of another service's span.
    """
    every = list(spans)
    by_id = {(span.trace_id, span.span_id): span for span in every}
    found: dict[SpanId, Span] = {}
    for span in every:
        key = (span.trace_id, span.parent_id)
        caller = by_id.get(key) if span.parent_id else None
        elsewhere = caller is not None and caller.service != span.service and span.kind not in CALLING
        if span.parent_id and (span.kind in SERVED or elsewhere):
            found.setdefault(key, span)
    return found


def compared(now: Mapping[str, Load], before: Mapping[str, Load]) -> tuple[Compared, ...]:
    """All that was seen in either span of time; what fails more, then what got slower, comes first."""
    both = [Compared(name, now.get(name), before.get(name)) for name in {*now, *before}]
    return tuple(sorted(both, key=_surprise))


def _surprise(row: Compared) -> tuple[float, float, int, str]:
    errors, slower, count = 0.0, 0.0, 0
    if row.now is not None:
        errors = row.now.errors - (row.before.errors if row.before else 0.0)
        slower = row.now.p95_seconds - (row.before.p95_seconds if row.before else 0.0)
        count = row.now.count
    return (-round(max(0.0, errors), 2), -round(max(0.0, slower), 3), -count, row.name)


def _children(spans: Iterable[Span]) -> dict[SpanId, list[Span]]:
    """Spans by their parent; one that claims to be its own parent is nobody's child."""
    found: defaultdict[SpanId, list[Span]] = defaultdict(list)
    for span in spans:
        if span.parent_id and span.parent_id != span.span_id:
            found[(span.trace_id, span.parent_id)].append(span)
    return found


def self_seconds(span: Span, children: Iterable[Span]) -> float:
    """Duration without the union of its children's, each cut to the parent's own time."""
    begin = span.start.timestamp()
    end = begin + span.duration_seconds
    covered, reached = 0.0, begin
    for start, stop in sorted((c.start.timestamp(), c.start.timestamp() + c.duration_seconds) for c in children):
        start, stop = max(start, reached), min(stop, end)
        if stop > start:
            covered += stop - start
            reached = stop
    return max(0.0, span.duration_seconds - covered)


def _load(spans: Sequence[Span], seconds: float, unexplained: Sequence[float]) -> Load:
    return Load(
        count=len(spans),
        per_second=significant(len(spans) / seconds) if seconds > 0 else 0.0,
        errors=significant(sum(span.error for span in spans) / len(spans)),
        p95_seconds=_p95([span.duration_seconds for span in spans]),
        unexplained_seconds=_p95(unexplained) if unexplained else None,
    )


def _p95(values: Sequence[float]) -> float:
    return significant(float(np.quantile(np.array(values), 0.95)))
