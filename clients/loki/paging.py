"""All entries of a window, page by page, none lost and none twice.

A page may end between entries of one nanosecond, and Loki does not say which of them it left out, nor does it answer
the same ones again. So a full page gives away only the times that it holds whole; the next page starts at the time
that it cut, and a time with more entries than a page is asked for by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog

from clients.loki.api import Direction, LokiApi
from clients.loki.entries import Entry

log = structlog.get_logger(__name__)


async def pages(
    api: LokiApi, query: str, start: int, end: int, *, direction: Direction = "forward", page_lines: int | None = None
) -> AsyncIterator[list[Entry]]:
    """Lists of entries of ``[start, end)`` nanoseconds, sorted in the direction, all entries of a time in one list.

    More entries in one nanosecond than the server answers at once cannot be told apart: as many as it answers are
    given, and that is logged.

    Args:
        page_lines: fewer than the most that may be asked for at once.

    Raises:
        SourceError: a page was not answered.
    """
    while start < end:
        limit = min(page_lines or api.page_lines, api.page_lines)
        found = await api.entries(query, start, end, limit, direction)
        limit = min(limit, api.page_lines)
        if direction == "backward":
            found.reverse()
        if len(found) < limit:
            yield found
            return
        cut = found[-1].nanoseconds
        whole = [entry for entry in found if entry.nanoseconds != cut]
        if not whole:
            whole = await _moment(api, query, cut, direction)
            start, end = (cut + 1, end) if direction == "forward" else (start, cut)
        else:
            start, end = (cut, end) if direction == "forward" else (start, cut + 1)
        yield whole


async def _moment(api: LokiApi, query: str, nanoseconds: int, direction: Direction) -> list[Entry]:
    found = await api.entries(query, nanoseconds, nanoseconds + 1, api.page_lines, "forward")
    if len(found) >= api.page_lines:
        log.warning("loki_moment_cut", nanoseconds=nanoseconds, lines=len(found), query=query)
    return found if direction == "forward" else found[::-1]
