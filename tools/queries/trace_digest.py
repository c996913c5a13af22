"""What one service answered and whom it called, as its spans and those of the called tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.traces.spans import Compared, Load, calls, compared, operations
from analysis.view import TraceFrame
from core.errors import SourceRejected
from core.models import Digest, EvidenceKind, Fact, Service, Window
from core.traces import Span, SpanPage, TraceQuery
from tools.context import QueryContext
from tools.queries.spec import QuerySpec, ServiceParameters, bounded_facts, known_service

MAX_SPANS = 500
"""Read of one service in one span of time; beyond them the newest count."""

MAX_CALLEES = 8
"""Called services whose spans are read too."""

MAX_NAME_CHARACTERS = 80

_FIRST_OPERATIONS = 6
"""Operations that are told before any callee: however many names a sender makes up, the calls keep their rows."""


@dataclass(frozen=True, slots=True)
class TraceReading:
    """The spans, and whether all services were asked that are called."""

    frame: TraceFrame
    not_asked: int


async def fetch(context: QueryContext, parameters: ServiceParameters) -> TraceReading:
    """Spans of the service and of those it calls, in the baseline and in the window.

    Whom it calls is what the inventory says, and what its own spans name.

    Raises:
        SourceError: the trace source did not answer, or there is none.
        InvalidInput: there is no such service.
    """
    service = known_service(context, parameters.service)
    before = await _read(context, service, context.baseline)
    now = await _read(context, service, context.window)
    every = {span_name(each): each for each in context.inventory.all()}
    named = {span.peer for page in (before, now) for span in page.spans}
    known = (every.get(name) or context.inventory.get(name) for name in sorted({*service.dependencies, *named}))
    callees = {callee.name: callee for callee in known if callee is not None and callee.name != service.name}
    asked = list(callees.values())[:MAX_CALLEES]
    others: list[Span] = []
    for callee in asked:
        for window in (context.baseline, context.window):
            others += (await _read(context, callee, window)).spans
    frame = TraceFrame(
        service=service.name,
        baseline=before.spans,
        window=now.spans,
        others=tuple(others),
        names={called: each.name for called, each in every.items() if called != each.name},
        missing_baseline=before.dropped,
        missing_window=now.dropped,
        evidence="",
    )
    return TraceReading(frame, len(callees) - len(asked))


def digest(reading: TraceReading, context: QueryContext) -> Digest:
    """One row an operation and one a callee: rate, errors, latency and unexplained time, each with its usual value.

    Names are a stranger's text, cut to a bounded length, without what moves a terminal's cursor.
    """
    frame = reading.frame
    now_seconds = _covered_seconds(frame.window, frame.missing_window, context.window)
    before_seconds = _covered_seconds(frame.baseline, frame.missing_baseline, context.baseline)
    answered = compared(operations(frame.window, now_seconds), operations(frame.baseline, before_seconds))
    called = compared(
        calls(frame.window, frame.others, frame.names, now_seconds),
        calls(frame.baseline, frame.others, frame.names, before_seconds),
    )
    own = [_fact(frame.service, f"operation {_plain(row.name)}", row, "self") for row in answered]
    outward = [_fact(frame.service, f"calls {_plain(row.name)}", row, "gap") for row in called]
    missing = frame.missing_baseline + frame.missing_window
    told = [
        f"{len(answered)} operations and {len(called)} callees of {frame.service}",
        f"{len(frame.window)} spans in the window, {len(frame.baseline)} before",
        f"{missing} older spans were not read" if missing else "",
        f"{reading.not_asked} callees were not asked" if reading.not_asked else "",
    ]
    rows = [*own[:_FIRST_OPERATIONS], *outward, *own[_FIRST_OPERATIONS:]]
    return bounded_facts("; ".join(text for text in told if text), rows, context)


def parts(reading: TraceReading, evidence: str) -> tuple[TraceFrame]:
    """The spans, citing the evidence."""
    return (replace(reading.frame, evidence=evidence),)


def span_name(service: Service) -> str:
    """What the service calls itself in its spans (resource attribute `service.name`)."""
    return service.identity.otel_service_name or service.name


async def _read(context: QueryContext, service: Service, window: Window) -> SpanPage:
    source = context.sources.traces
    if source is None:
        raise SourceRejected("nothing collects spans", fix="send spans to /v1/traces, or set tempo.url")
    return await source.query(TraceQuery(service=span_name(service), window=window, limit=MAX_SPANS))


def _covered_seconds(spans: Sequence[Span], missing: int, window: Window) -> float:
    """The time that the spans stand for: where the oldest were left out it begins with the first one read."""
    if not missing or not spans:
        return window.seconds
    return (window.end - spans[0].start).total_seconds()


def _fact(service: str, name: str, row: Compared, unexplained: str) -> Fact:
    now, before = row.now, row.before
    if now is None:
        return Fact(subject=service, name=name, value=f"none, usually {_told(before, unexplained)}")
    usual = _told(before, unexplained) if before else "unknown"
    return Fact(subject=service, name=name, value=f"{_told(now, unexplained)}; usually {usual}")


def _told(load: Load | None, unexplained: str) -> str:
    if load is None:
        return "none"
    rest = "" if load.unexplained_seconds is None else f", {unexplained} {load.unexplained_seconds:g} s"
    return f"{load.per_second:g}/s, {load.errors:.1%} errors, p95 {load.p95_seconds:g} s{rest}"


def _plain(name: str) -> str:
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
    return text if len(text) <= MAX_NAME_CHARACTERS else text[: MAX_NAME_CHARACTERS - 1] + "…"


SPEC = QuerySpec(
    name="trace_digest",
    description="Operations of a service and its calls to others by their spans: rate, errors, p95 latency, self time, "
    "and how much longer a call takes for the caller than for the one called; each against its usual value.",
    kind=EvidenceKind.TRACE,
    parameters=ServiceParameters,
    source=lambda context: context.sources.traces.name if context.sources.traces else "traces",
    fetch=fetch,
    digest=digest,
    parts=parts,
)
