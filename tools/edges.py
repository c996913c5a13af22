"""Who calls whom, read from spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from analysis.traces.spans import CALLING, SpanId, answers
from core.traces import Span

MAX_EDGES = 1000
"""Those with the most calls are kept, however many names a sender makes up."""

MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Edge:
    """One service calls another.

    Attributes:
        caller: what its spans call it (resource attribute `service.name`).
        callee: the same, or how the caller names it when it sent no span.
        address: ``host:port`` that was called, when that is all that is known of the callee; else empty.
        calls: that were seen.
        last_at: when the last of them began.
    """

    caller: str
    callee: str
    address: str
    calls: int
    last_at: datetime


def edges_of(spans: Sequence[Span]) -> tuple[Edge, ...]:
    """The edges, by caller and callee.

    A call is known by the span that answers it, else by the peer that the caller names. An address at which one
    service alone ever answered stands for that service, so that calls which failed there count for it too.
    """
    answered = answers(spans)
    at_address = _services_by_address(spans, answered)
    seen: defaultdict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    for caller, callee, address, at in _calls(spans, answered, at_address):
        if caller != callee and usable(caller) and usable(callee):
            seen[(caller, callee, address)].append(at)
    edges = [Edge(*key, calls=len(times), last_at=max(times)) for key, times in seen.items()]
    kept = sorted(edges, key=lambda edge: (-edge.calls, edge.caller, edge.callee, edge.address))[:MAX_EDGES]
    return tuple(sorted(kept, key=lambda edge: (edge.caller, edge.callee, edge.address)))


def _calls(
    spans: Iterable[Span], answered: dict[SpanId, Span], at_address: dict[str, str]
) -> Iterable[tuple[str, str, str, datetime]]:
    """Caller, callee, address when nothing better is known, and instant of each call."""
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    for answer in answered.values():
        caller = by_id.get((answer.trace_id, answer.parent_id))
        if caller is not None:
            yield caller.service, answer.service, "", answer.start
    for span in spans:
        if span.kind not in CALLING or (span.trace_id, span.span_id) in answered:
            continue
        address = _address(span)
        if address in at_address:
            yield span.service, at_address[address], "", span.start
        elif span.peer:
            yield span.service, span.peer, address, span.start


def _services_by_address(spans: Iterable[Span], answered: dict[SpanId, Span]) -> dict[str, str]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for span in spans:
        answer = answered.get((span.trace_id, span.span_id))
        if answer is not None:
            found[_address(span)].add(answer.service)
    return {address: next(iter(names)) for address, names in found.items() if address and len(names) == 1}


def _address(span: Span) -> str:
    """``host:port`` of the other end; empty when the span names its peer as a service, or does not name its port."""
    told = span.attributes
    host = told.get("server.address") or told.get("net.peer.name") or told.get("network.peer.address", "")
    port = told.get("server.port") or told.get("net.peer.port", "")
    return f"{host}:{port}" if host and port and not told.get("peer.service") else ""


def usable(name: str) -> bool:
    """Whether a service may be called that: senders of spans choose names as they like."""
    return 0 < len(name) <= MAX_NAME_CHARACTERS and name.isprintable()
