"""What was changed on a service, by whom and when: suspects, never verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from analysis.view import ChangeView
from core.changes import ChangePage, ChangeQuery
from core.errors import SourceError
from core.models import Change, Digest, EvidenceKind, Fact, Service, Window
from tools.changes import merged
from tools.context import QueryContext
from tools.queries.spec import QuerySpec, ServiceParameters, bounded_facts, known_service

MAX_PATHS_TOLD = 3
MIN_SHORT_COMMIT = 7
"""Characters of a commit's short name, as git prints it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of one service, oldest first, and which sources did not answer."""

    service: str
    found: tuple[Change, ...]
    unanswered: tuple[str, ...] = ()


async def fetch(context: QueryContext, parameters: ServiceParameters) -> Changes:
    """The changes since the look-back before the window, or since the baseline began if that is earlier.

    What the actuator saw and what was reported are joined; one of the two may be silent.

    Raises:
        SourceError: the runtime did not answer, or nothing sees this service, and nobody else reports changes.
        InvalidInput: there is no such service.
    """
    service = known_service(context, parameters.service)
    lookback = timedelta(seconds=context.analysis.change_lookback_seconds)
    window = Window(start=min(context.span.start, context.window.start - lookback), end=context.window.end)
    reported = ChangePage()
    if context.sources.changes is not None:
        reported = await context.sources.changes.query(ChangeQuery(service=service.name, window=window))
    seen, unanswered = await _seen(context, service, window, reported)
    found = _of_service(merged([*seen, *reported.changes]), service.name)
    return Changes(service.name, found, (*unanswered, *reported.unanswered))


async def _seen(
    context: QueryContext, service: Service, window: Window, reported: ChangePage
) -> tuple[Sequence[Change], tuple[str, ...]]:
    """What the actuator tells; its silence is an error only when nobody else told anything."""
    try:
        return await context.sources.seeing(service).changes(service, window), ()
    except SourceError as error:
        if not reported.changes:
            raise
        return (), (error.message,)


def _of_service(changes: Sequence[Change], service: str) -> tuple[Change, ...]:
    """The changes without commits of no service that no deploy here names."""
    shipped = {one.reference for one in changes if one.service == service and one.reference}
    return tuple(one for one in changes if one.service == service or _named(one.reference, shipped))


def _named(commit: str, references: set[str]) -> bool:
    """Whether a deploy names the commit, in full or by its first characters."""
    return any(len(reference) >= MIN_SHORT_COMMIT and commit.startswith(reference) for reference in references)


def digest(changes: Changes, context: QueryContext) -> Digest:
    """The newest changes that fit, newest first; first of all who did not answer."""
    silent = [Fact(subject=changes.service, name="unanswered", value=why) for why in changes.unanswered]
    facts = [_fact(change, changes.service) for change in reversed(changes.found)]
    return bounded_facts(f"{len(facts)} changes of {changes.service}", [*silent, *facts], context)


def parts(changes: Changes, evidence: str) -> tuple[ChangeView, ...]:
    """The changes, citing the evidence."""
    return tuple(ChangeView(change, evidence) for change in changes.found)


def _fact(change: Change, service: str) -> Fact:
    step = f"{change.before or '?'} -> {change.after}" if change.after else ""
    files = ", ".join(change.paths[:MAX_PATHS_TOLD]) + (" ..." if len(change.paths) > MAX_PATHS_TOLD else "")
    by, told_by = (
        f"{word} {name}" if name else "" for word, name in (("by", change.actor), ("told by", change.source))
    )
    told = [text for text in (step, change.reference, change.detail, files, by, told_by) if text]
    return Fact(subject=change.service or service, name=change.kind, value=", ".join(told), at=change.at)


SPEC = QuerySpec(
    name="recent_changes",
    description="Deploys, commits, flags, configuration changes, starts, stops and restarts of a service.",
    kind=EvidenceKind.CHANGE,
    parameters=ServiceParameters,
    source=lambda context: "actuators" if context.sources.changes is None else "actuators and reports",
    fetch=fetch,
    digest=digest,
    parts=parts,
)
