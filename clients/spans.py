"""The embedded trace source: spans that were sent to Quell, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from core.clock import Clock
from core.models import Model, Window
from core.ports import SourceStatus
from core.traces import Span, SpanPage, TraceQuery

MAX_SKEW_SECONDS = 60.0


class SpanSettings(Model):
    """The `traces` section of quell.yaml."""

    max_spans: int = Field(default=100_000, ge=1, description="the oldest are forgotten first")
    retention_seconds: float = Field(default=3600.0, gt=0)


@dataclass(frozen=True, slots=True)
class SpanStats:
    """What the buffer holds, and counts since its start.

    Attributes:
        evicted: forgotten for want of room.
        skewed: came from the future.
        stale: were older than the retention when they came.
    """

    spans: int
    services: int
    evicted: int
    skewed: int
    stale: int


class SpanBuffer:
    """A `core.ports.TraceSource`. A span that is sent again, as exporters do after a lost answer, is kept once.

    Args:
        settings: bounds.
        clock: what is older than the retention when spans come in is forgotten.
    """

    name = "otlp"

    def __init__(self, settings: SpanSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._spans: OrderedDict[tuple[str, str], Span] = OrderedDict()
        self._by_service: dict[str, dict[tuple[str, str], Span]] = {}
        self._evicted = 0
        self._skewed = 0
        self._stale = 0

    @property
    def stats(self) -> SpanStats:
        """What the buffer holds now."""
        return SpanStats(len(self._spans), len(self._by_service), self._evicted, self._skewed, self._stale)

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the services that spans came from."""
        return tuple(sorted(self._by_service))

    def add(self, spans: Iterable[Span]) -> None:
        """Keep spans; those that arrived first go when there is no room."""
        now = self._clock.now()
        oldest = now - timedelta(seconds=self._settings.retention_seconds)
        for span in spans:
            key = (span.trace_id, span.span_id)
            if span.start < oldest:
                self._stale += 1
                continue
            if key in self._spans:
                continue
            self._skewed += span.start > now + timedelta(seconds=MAX_SKEW_SECONDS)
            self._spans[key] = span
            self._by_service.setdefault(span.service, {})[key] = span
        while self._spans:
            key, first = next(iter(self._spans.items()))
            crowded = len(self._spans) > self._settings.max_spans
            if not crowded and first.start >= oldest:
                break
            self._evicted += crowded
            self._forget(key, first)

    async def query(self, query: TraceQuery) -> SpanPage:
        """Spans of the service that began in the window, oldest first; beyond the limit the newest."""
        window = query.window
        held = self._by_service.get(query.service, {}).values()
        found = sorted(
            (span for span in held if window.start <= span.start < window.end),
            key=lambda span: (span.start, span.trace_id, span.span_id),
        )
        return SpanPage(spans=tuple(found[-query.limit :]), dropped=max(0, len(found) - query.limit))

    async def service_names(self, window: Window) -> tuple[str, ...]:
        """Names of the services with a span that began in the window."""
        return tuple(
            name
            for name in self.services
            if any(window.start <= span.start < window.end for span in self._by_service[name].values())
        )

    async def status(self) -> SourceStatus:
        """Reachable once anything sent spans."""
        stats = self.stats
        detail = f"{stats.spans} spans of {stats.services} services"
        fix = "" if stats.spans else "point OTEL_EXPORTER_OTLP_ENDPOINT of the services at this server, with its token"
        if stats.skewed or stats.stale:
            detail = f"{detail}; {stats.skewed} came from the future, {stats.stale} too late"
            fix = "set the clocks of the services by NTP"
        return SourceStatus(name=self.name, configured=bool(stats.spans), reachable=True, detail=detail, fix=fix)

    def _forget(self, key: tuple[str, str], span: Span) -> None:
        del self._spans[key]
        own = self._by_service[span.service]
        del own[key]
        if not own:
            del self._by_service[span.service]
