"""The lines of one service before and in the suspected window."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.digests import bound, template_digests
from analysis.view import LogFrame
from core.frames import LogLine, LogQuery
from core.models import Digest, EvidenceKind, TemplateClass, TemplateQuery, Window
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
        known: what was found of templates that no rule knows.
    """

    frame: LogFrame
    cursor: str
    missing: int
    known: tuple[TemplateClass, ...] = ()


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
    return LogReading(frame, cursor, missing_before + missing_now, await _known(context, service))


def digest(reading: LogReading, context: QueryContext) -> Digest:
    """The templates that fit, errors and surprises first."""
    templates = template_digests(reading.frame, context.window, context.baseline, context.analysis, reading.known)
    lines = sum(row.count for row in templates)
    limits = [
        "more lines were not read" if reading.cursor else "",
        f"{reading.missing} lines are gone" if reading.missing else "",
    ]
    summary = "; ".join(text for text in (f"{lines} lines of {reading.frame.service} in the window", *limits) if text)
    whole = Digest(summary=summary, templates=templates, cursor=reading.cursor)
    return bound(whole, context.analysis.max_digest_tokens)


def parts(reading: LogReading, evidence: str) -> tuple[LogFrame]:
    """The lines, citing the evidence."""
    return (replace(reading.frame, evidence=evidence),)


async def _known(context: QueryContext, service: str) -> tuple[TemplateClass, ...]:
    memory = context.sources.templates
    if memory is None:
        return ()
    return (await memory.classes(TemplateQuery(service=service, window=context.window))).classes


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


SPEC = QuerySpec(
    name="log_digest",
    description="Log templates of a service: how many lines of each, how much more often than usual, one example.",
    kind=EvidenceKind.LOG,
    parameters=ServiceParameters,
    source=lambda context: context.sources.logs.name,
    fetch=fetch,
    digest=digest,
    parts=parts,
)
