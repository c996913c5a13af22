"""What was changed on a service, by whom and when: suspects, never verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from analysis.view import ChangeView
from core.models import Change, Digest, EvidenceKind, Fact, Window
from tools.context import QueryContext
from tools.queries.spec import QuerySpec, ServiceParameters, bounded_facts, known_service


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of one service, oldest first."""

    service: str
    found: tuple[Change, ...]


async def fetch(context: QueryContext, parameters: ServiceParameters) -> Changes:
    """The changes since the look-back before the window, or since the baseline began if that is earlier.

    Raises:
        SourceError: the runtime did not answer, or nothing sees this service.
        InvalidInput: there is no such service.
    """
    service = known_service(context, parameters.service)
    lookback = timedelta(seconds=context.analysis.change_lookback_seconds)
    window = Window(start=min(context.span.start, context.window.start - lookback), end=context.window.end)
    return Changes(service.name, tuple(await context.sources.seeing(service).changes(service, window)))


def digest(changes: Changes, context: QueryContext) -> Digest:
    """The newest changes that fit, newest first."""
    facts = [_fact(change) for change in reversed(changes.found)]
    return bounded_facts(f"{len(facts)} changes of {changes.service}", facts, context)


def parts(changes: Changes, evidence: str) -> tuple[ChangeView, ...]:
    """The changes, citing the evidence."""
    return tuple(ChangeView(change, evidence) for change in changes.found)


def _fact(change: Change) -> Fact:
    step = f"{change.before or '?'} -> {change.after}" if change.after else ""
    told = [text for text in (step, change.detail, f"by {change.actor}" if change.actor else "") if text]
    return Fact(subject=change.service, name=change.kind, value=", ".join(told), at=change.at)


SPEC = QuerySpec(
    name="recent_changes",
    description="Deploys, configuration changes, starts, stops and restarts of a service.",
    kind=EvidenceKind.CHANGE,
    parameters=ServiceParameters,
    source=lambda context: "actuators",
    fetch=fetch,
    digest=digest,
    parts=parts,
)
