"""The lines of one service before and in the suspected window."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.view import LogFrame
from core.frames import LogLine, LogQuery
from core.models import Digest, EvidenceKind, Window
from tools.context import QueryContext
from tools.queries.spec import QuerySpec, ServiceParameters, known_service

PAGE_LINES = 5000
MAX_PAGES = 4


@dataclass(frozen=True, slots=True)
class LogReading:
    """What was read, and where reading could go on.

    Attributes:
        cursor: continues the window where the bound cut it; empty when all of it was read.
        missing: lines that the source no longer holds, as far as it knows.
    """

    frame: LogFrame
    cursor: str
    missing: int


async def fetch(context: QueryContext, parameters: ServiceParameters) -> LogReading:
    """At most `MAX_PAGES` pages of the baseline and as many of the window, so that neither starves the other.

    Raises:
        SourceError: the log source did not answer.
        InvalidInput: there is no such service.
    """
    service = known_service(context, parameters.service).name
    before, _, missing_before = await _read(context, service, context.baseline)
    now, cursor, missing_now = await _read(context, service, context.window)
    frame = LogFrame(service, (*before, *now), evidence="")
    return LogReading(frame, cursor, missing_before + missing_now)


def parts(reading: LogReading, evidence: str) -> tuple[LogFrame]:
    """The lines, citing the evidence."""
    return (replace(reading.frame, evidence=evidence),)


async def _read(context: QueryContext, service: str, window: Window) -> tuple[list[LogLine], str, int]:
    lines: list[LogLine] = []
    cursor, missing = "", 0
    for _ in range(MAX_PAGES):
        page = await context.sources.logs.query(
            LogQuery(service=service, window=window, limit=PAGE_LINES, cursor=cursor)
        )
        lines.extend(page.lines)
        cursor, missing = page.cursor, max(missing, page.dropped)
        if not cursor:
            break
    return lines, cursor, missing
