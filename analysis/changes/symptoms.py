"""What there is to explain on each service: since when, and in which words its logs, metrics and spans tell of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.changes.words import concepts, identifiers, without_names, words
from analysis.config import AnalysisConfig
from analysis.view import SystemView
from core.models import Finding, Severity, Signal

MAX_TEXT_CHARACTERS = 20_000
"""Of one service's symptoms that are read for words."""

_MISSING = re.compile(
    r"\b(?:does not exist|doesn't exist|not found|no such|not registered|not defined|undefined|is missing|cannot find"
    r"|could not find|unresolved|unknown (?:column|table|relation|field|method|key))\b",
    re.IGNORECASE,
)
"""What a program says that looks for something which was never shipped."""


@dataclass(frozen=True, slots=True)
class Symptoms:
    """One service.

    Attributes:
        since: the earliest onset of its findings; None without findings.
        after: a change later than this came after the symptoms; None without findings whose onset is known well.
        gradual: spans of time within which something began to drift: it may have begun at any moment of one.
        missing: words and names of the texts that say that something is not there.
        words, names, concepts: as `analysis.changes.words` finds them in the texts of the symptoms.
    """

    since: datetime | None
    after: datetime | None
    gradual: tuple[tuple[datetime, datetime], ...]
    words: frozenset[str]
    names: frozenset[str]
    concepts: frozenset[int]
    missing: frozenset[str]


def symptoms_of(
    service: str, view: SystemView, findings: Iterable[Finding], names: Iterable[str], config: AnalysisConfig
) -> Symptoms:
    """Read the symptoms of one service.

    Args:
        names: of all services, which are no words.
    """
    own = [finding for finding in findings if finding.service == service]
    sudden = [one for one in own if one.onset_uncertainty_seconds <= view.window.seconds]
    since = min((one.onset for one in sudden or own), default=None)
    text = without_names("\n".join(_texts(service, view, own, since))[:MAX_TEXT_CHARACTERS], names)
    missing = "\n".join(line for line in text.splitlines() if _MISSING.search(line))
    found = words(text)
    return Symptoms(
        since=since,
        after=min((one.onset + _tolerance(one, config) for one in sudden), default=None),
        gradual=tuple(
            (one.onset, one.onset + _seconds(one.onset_uncertainty_seconds)) for one in own if one not in sudden
        ),
        words=found,
        names=identifiers(text),
        concepts=concepts(found),
        missing=words(missing) | identifiers(missing),
    )


def _texts(service: str, view: SystemView, findings: Iterable[Finding], since: datetime | None) -> list[str]:
    """Names and templates of what is unusual, the warnings and errors since, and what failing spans say; each once."""
    texts = [finding.metric for finding in findings]
    for log in view.logs:
        if log.service == service and since is not None:
            texts += [line.text for line in log.lines if line.at >= since and _bad(line.severity)]
    for frame in view.traces:
        if frame.service == service:
            texts += [f"{span.name} {span.message}" for span in frame.window if span.error]
    return list(dict.fromkeys(texts))


def _tolerance(finding: Finding, config: AnalysisConfig) -> timedelta:
    """How much earlier than a change its effect may seem to begin: lines have exact times, samples a grid."""
    steps = 1 if finding.signal is Signal.LOGS else 2
    return _seconds(max(steps * config.step_seconds, finding.onset_uncertainty_seconds))


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def _bad(severity: Severity | None) -> bool:
    return severity is not None and severity is not Severity.INFO
