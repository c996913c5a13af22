"""Log entries as Loki sends them: stream labels, nanoseconds, a line and what was attached to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from clients.loglines import parse_line, severity_of
from clients.quoting import quoted
from core.errors import SourceRejected
from core.frames import LogLine

CATEGORISED = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
"""Asks for structured metadata beside each line, not merged into the stream's labels."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVELS = ("detected_level", "level", "severity")
_TRACES = ("trace_id", "traceID", "traceId")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One line. Entries sort by time, then in an order that is the same for every answer."""

    nanoseconds: int
    labels: tuple[tuple[str, str], ...]
    text: str
    attached: tuple[tuple[str, str], ...] = ()

    def line(self, service: str) -> LogLine:
        """The line as a service's; its time loses what is below a microsecond."""
        said = parse_line(self.text.encode())
        known = {**dict(self.labels), **dict(self.attached)}
        level = next((known[name] for name in _LEVELS if name in known), None)
        trace_id = said.trace_id or next((known[name] for name in _TRACES if known.get(name)), "")
        return LogLine(
            at=at(self.nanoseconds),
            service=service,
            text=said.text,
            severity=said.severity or severity_of(level),
            trace_id=trace_id[:64],
        )


def entries_of(streams: Iterable[Any]) -> list[Entry]:
    """Entries of a `streams` result, sorted.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: it is none.
    """
    found = []
    for stream in streams:
        labels = tuple(sorted((str(name), str(value)) for name, value in stream["stream"].items()))
        for nanoseconds, text, *rest in stream["values"]:
            attached = rest[0] if rest else {}
            merged = {**attached.get("parsed", {}), **attached.get("structuredMetadata", {})}
            found.append(Entry(int(nanoseconds), labels, str(text), tuple(sorted(merged.items()))))
    return sorted(found)


def selector(labels: Mapping[str, str]) -> str:
    """A LogQL stream selector (https://grafana.com/docs/loki/latest/query/log_queries/#log-stream-selector).

    Raises:
        SourceRejected: there is no label, or a name that cannot be one.
    """
    if not any(labels.values()) or not all(name.isidentifier() and name.isascii() for name in labels):
        raise SourceRejected(
            f"no stream can be selected by {dict(labels)}", fix="set `services: identity: loki:` to its stream labels"
        )
    return f"{{{', '.join(f'{name}={quoted(value)}' for name, value in labels.items())}}}"


def nanoseconds_of(moment: datetime) -> int:
    """Nanoseconds since the epoch, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def at(nanoseconds: int) -> datetime:
    """The time to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
