"""Times as the engine writes them: RFC 3339 with nanoseconds, or seconds and nanoseconds in one number."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_FORM = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANO = 1_000_000_000
NEVER = "0001-01-01T00:00:00Z"


def parse_nanoseconds(text: object) -> int | None:
    """Nanoseconds since the epoch; None for what is no time, and for the engine's word for never."""
    found = _FORM.fullmatch(text) if isinstance(text, str) and text != NEVER else None
    if found is None:
        return None
    whole, fraction, zone = found.groups()
    seconds = int((datetime.fromisoformat(whole + zone.replace("Z", "+00:00")) - _EPOCH).total_seconds())
    return seconds * _NANO + int((fraction or "").ljust(9, "0"))


def parse_time(text: object) -> datetime | None:
    """The same in UTC, cut to microseconds."""
    nanoseconds = parse_nanoseconds(text)
    return None if nanoseconds is None else from_nanoseconds(nanoseconds)


def from_nanoseconds(nanoseconds: int) -> datetime:
    """Nanoseconds since the epoch in UTC, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def to_nanoseconds(at: datetime) -> int:
    """The inverse of `from_nanoseconds`."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def as_parameter(nanoseconds: int) -> str:
    """As `since` and `until` of the API want it."""
    return f"{nanoseconds // _NANO}.{nanoseconds % _NANO:09d}"
