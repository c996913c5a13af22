"""Spans written by hand: requests through services, with or without the kinds that senders may leave out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

from core.models import Window
from core.traces import Span, SpanKind

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
WINDOW_SECONDS = 60.0


class Tracer:
    """Makes spans with ids that are counted."""

    def __init__(self, *, kinds: bool = True) -> None:
        self._ids = count(1)
        self._kinds = kinds

    def span(
        self,
        service: str,
        name: str,
        kind: SpanKind,
        at: float,
        seconds: float,
        parent: Span | None = None,
        *,
        error: bool = False,
    ) -> Span:
        """One span, `at` seconds after noon; without a parent it begins a trace."""
        number = next(self._ids)
        return Span(
            trace_id=parent.trace_id if parent else f"{number:032x}",
            span_id=f"{number:016x}",
            parent_id=parent.span_id if parent else "",
            service=service,
            name=name,
            kind=kind if self._kinds else SpanKind.UNSPECIFIED,
            start=NOON + timedelta(seconds=at),
            duration_seconds=seconds,
            error=error,
        )

    def request(
        self,
        service: str,
        at: float,
        calls: Iterable[str] = (),
        *,
        own: float = 0.01,
        gap: float = 0.002,
        error: bool = False,
    ) -> list[Span]:
        """A request that calls each service once, one after the other, each taking `own` seconds.

        Args:
            gap: by which a call takes longer than its answer.
            error: of the request alone.
        """
        called = list(calls)
        seconds = own + len(called) * (own + gap)
        spans = [self.span(service, f"/{service}", SpanKind.SERVER, at, seconds, error=error)]
        for position, callee in enumerate(called):
            begin = at + own / 2 + position * (own + gap)
            asked = self.span(service, "HTTP GET", SpanKind.CLIENT, begin, own + gap, spans[0])
            spans += [asked, self.span(callee, f"/{callee}", SpanKind.SERVER, begin + gap / 2, own, asked)]
        return spans


def window(index: int) -> Window:
    """The analysed minute is 0, earlier ones are negative."""
    start = NOON + timedelta(seconds=index * WINDOW_SECONDS)
    return Window(start=start, end=start + timedelta(seconds=WINDOW_SECONDS))
