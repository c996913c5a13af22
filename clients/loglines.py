"""What one log line says of itself: time, severity and trace id, from JSON or plain text.

Nothing here raises, whatever the bytes are. A time without a zone is taken as UTC.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.models import Severity

MAX_LINE_CHARACTERS = 16384
_TIME_FIELDS = ("ts", "time", "timestamp", "@timestamp")
_LEVEL_FIELDS = ("level", "severity", "lvl", "levelname")
_TRACE_FIELDS = ("trace_id", "traceId", "traceID")
_MILLISECONDS_FROM = 1e11
"""Epoch numbers above this are milliseconds: as seconds they would lie after the year 5000."""

_SEVERITIES = {
    **dict.fromkeys(("trace", "debug", "info", "information", "notice"), Severity.INFO),
    **dict.fromkeys(("warn", "warning"), Severity.WARNING),
    **dict.fromkeys(
        ("error", "err", "critical", "crit", "fatal", "panic", "alert", "emerg", "emergency"), Severity.CRITICAL
    ),
}
_PLAIN_TIME = re.compile(
    r"\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\s?(?:Z|[+-]\d\d:?\d\d))?)", re.ASCII | re.IGNORECASE
)
_PLAIN_LEVEL = re.compile(r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC)\b")
_LEVEL_REACH = 120


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A line and what it says of itself; `at` is None when it carries no time."""

    text: str
    at: datetime | None
    severity: Severity | None
    trace_id: str


def parse_line(raw: bytes) -> ParsedLine:
    """Read a line; bytes that are not UTF-8 are replaced, text beyond the bound is cut."""
    text = raw.decode("utf-8", errors="replace").rstrip("\r\n")
    fields = _json_object(text)
    if fields is None:
        found = _PLAIN_TIME.match(text)
        level = _PLAIN_LEVEL.search(text, 0, _LEVEL_REACH)
        at = _time(found.group(1)) if found else None
        return ParsedLine(text[:MAX_LINE_CHARACTERS], at, severity_of(level.group(1)) if level else None, "")
    return ParsedLine(
        text=text[:MAX_LINE_CHARACTERS],
        at=_time(_first(fields, _TIME_FIELDS)),
        severity=severity_of(_first(fields, _LEVEL_FIELDS)),
        trace_id=str(_first(fields, _TRACE_FIELDS) or "")[:64],
    )


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _first(fields: dict[str, Any], names: tuple[str, ...]) -> object:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def severity_of(level: object) -> Severity | None:
    """What a level's name means; None when it is unknown."""
    return _SEVERITIES.get(level.strip().lower()) if isinstance(level, str) else None


def _time(value: object) -> datetime | None:
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value.strip())
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) > _MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
