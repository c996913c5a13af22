"""Reading a log in pages: a cursor is the time of the last line that was handed out, and how many of that time were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.errors import SourceRejected
from core.frames import LogLine, LogQuery


def resume(query: LogQuery) -> tuple[datetime, int]:
    """Where to go on: lines before that time, and that many at that time, were handed out already.

    Raises:
        SourceRejected: the cursor is not one of ours.
    """
    if not query.cursor:
        return query.window.start, 0
    at, _, count = query.cursor.partition("#")
    try:
        return max(datetime.fromisoformat(at), query.window.start), int(count)
    except (ValueError, TypeError) as error:
        raise SourceRejected(
            f"not a cursor of this source: {query.cursor[:80]}", fix="pass the cursor of the page before"
        ) from error


def cursor_after(page: Sequence[LogLine], start: datetime, skip: int) -> str:
    """The cursor behind a page that began at `start`, without the `skip` first lines of that time."""
    last = page[-1].at
    handed_out = sum(line.at == last for line in page) + (skip if last == start else 0)
    return f"{last.isoformat()}#{handed_out}"
