"""Requests put together from spans: what one service did to answer one of them, and whom it called.

Which side of a call a span tells of is read from the structure, since many senders leave the kind out: a span whose
child belongs to another service called it, and the child answered. Kinds count where they are given. Parents and
children follow OpenTelemetry's data model (https://opentelemetry.io/docs/specs/otel/trace/api/#span).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.traces.spans import CALLING, SERVED, UNKNOWN, SpanId, self_seconds
from analysis.view import TraceFrame
from core.traces import Span, SpanKind


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a request made.

    Attributes:
        callee: the service that answered; else the peer that the span names; else `UNKNOWN`.
        operation: of the answer; of the call itself when nobody answered.
        span: of the caller.
        answer: of the called; None when it sent none.
    """

    callee: str
    operation: str
    span: Span
    answer: Span | None

    @property
    def gap_seconds(self) -> float | None:
        """The caller's time beyond the called one's: network and waiting. None of messages and without an answer."""
        if self.answer is None or self.span.kind is SpanKind.PRODUCER or self.answer.kind is SpanKind.CONSUMER:
            return None
        return self.span.duration_seconds - self.answer.duration_seconds

    @property
    def failed(self) -> bool:
        """Whether either side says so."""
        return self.span.error or (self.answer is not None and self.answer.error)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to one service.

    Attributes:
        service: name in the inventory.
        operation: name of the span that answered it.
        span: that span.
        calls: in the order in which they began.
        self_seconds: its duration without its calls.
    """

    service: str
    operation: str
    span: Span
    calls: tuple[Call, ...]
    self_seconds: float

    @property
    def failed_itself(self) -> bool:
        """Whether it failed though none of its calls did."""
        return self.span.error and not any(call.failed for call in self.calls)


@dataclass(frozen=True, slots=True)
class Requests:
    """All requests of a system.

    Attributes:
        all: oldest first.
        of_span: the request, as an index, that each span belongs to.
    """

    all: tuple[Request, ...]
    of_span: Mapping[SpanId, int]


def requests(frames: Sequence[TraceFrame]) -> Requests:
    """Requests from the spans of all frames; spans whose way up to a request was left out belong to none."""
    return _Assembly(frames).requests()


class _Assembly:
    """Spans by id and by parent while requests are put together from them."""

    def __init__(self, frames: Sequence[TraceFrame]) -> None:
        self._names = {called: name for frame in frames for called, name in frame.names.items()}
        self._spans: dict[SpanId, Span] = {}
        for frame in frames:
            for part in (frame.baseline, frame.window, frame.others):
                for span in part:
                    self._spans.setdefault((span.trace_id, span.span_id), span)
        self._children: defaultdict[SpanId, list[Span]] = defaultdict(list)
        for span in self._spans.values():
            if span.parent_id and span.parent_id != span.span_id:
                self._children[(span.trace_id, span.parent_id)].append(span)
        self._answering: dict[SpanId, SpanId | None] = {}

    def requests(self) -> Requests:
        members: defaultdict[SpanId, list[Span]] = defaultdict(list)
        for key, span in self._spans.items():
            answering = self._request_of(key)
            if answering is not None:
                members[answering].append(span)
        callers = {(span.service, span.name) for spans in members.values() for span in spans if self._answer(span)}
        order = sorted(members, key=lambda key: self._spans[key].start)
        index = {key: position for position, key in enumerate(order)}
        found = tuple(self._request(self._spans[key], members[key], callers) for key in order)
        of_span = {key: index[top] for key, top in self._answering.items() if top is not None}
        return Requests(found, of_span)

    def _request_of(self, key: SpanId) -> SpanId | None:
        """The span that answers the request which a span belongs to; None when the way up to it is not known."""
        way: dict[SpanId, None] = {}
        while key not in self._answering:
            span = self._spans[key]
            parent_key = (span.trace_id, span.parent_id)
            way[key] = None
            parent = self._spans.get(parent_key) if span.parent_id != span.span_id else None
            if self._answers(span, parent):
                self._answering[key] = key
            elif parent is None or parent_key in way:
                self._answering[key] = None
            else:
                key = parent_key
        top = self._answering[key]
        self._answering.update(dict.fromkeys(way, top))
        return top

    def _answers(self, span: Span, parent: Span | None) -> bool:
        if parent is None:
            return span.kind in SERVED or (span.kind not in CALLING and not span.parent_id)
        if parent.service != span.service:
            return span.kind not in CALLING
        return span.kind in SERVED and parent.kind in CALLING

    def _answer(self, span: Span) -> Span | None:
        """The span that answers a call; None when the span is no call, or nobody answered."""
        for child in self._children.get((span.trace_id, span.span_id), ()):
            if self._answers(child, span):
                return child
        return None

    def _request(self, top: Span, spans: Iterable[Span], callers: set[tuple[str, str]]) -> Request:
        """Put one request together; `callers` are service and name of spans that called another service anywhere."""
        calls = []
        for span in spans:
            answer = self._answer(span)
            leaf = (span.trace_id, span.span_id) not in self._children
            if answer is not None:
                calls.append(Call(self._name(answer.service), answer.name, span, answer))
            elif span.kind in CALLING or (span is not top and leaf and (span.service, span.name) in callers):
                calls.append(Call(self._name(span.peer) if span.peer else UNKNOWN, span.name, span, None))
        calls.sort(key=lambda call: call.span.start)
        own = self_seconds(top, [call.span for call in calls])
        return Request(self._name(top.service), top.name, top, tuple(calls), own)

    def _name(self, called: str) -> str:
        return self._names.get(called, called)
