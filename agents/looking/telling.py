"""Evidence as a model reads it: a line a row, the rows that fit, and how many did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from agents.fencing import Stranger, fence, inline
from agents.prompting import bounded
from agents.redaction import Redactor
from core.models import Evidence, Fact, LogChange, SeriesDigest, Severity, TemplateDigest

MAX_ROW_CHARACTERS = 320

Barred = Callable[[str], str | None]
"""Service -> why its data may not go to this model, None when it may."""


def told(evidence: Evidence, redactor: Redactor, barred: Barred, max_tokens: int) -> str:
    """The evidence as a fenced block that cites its id, without secrets and without rows of services that are barred.

    Args:
        max_tokens: upper estimate of the rows.
    """
    every = list(_rows(evidence))
    rows = [redactor.hide(text).replace("\n", " ") for subject, text in every if not (subject and barred(subject))]
    head = redactor.hide(f"{evidence.tool} {evidence.query}: {evidence.error or evidence.digest.summary}")
    parts = [head[:MAX_ROW_CHARACTERS], bounded([row[:MAX_ROW_CHARACTERS] for row in rows], max_tokens)]
    if evidence.digest.omitted:
        parts.append(f"({evidence.digest.omitted} rows did not fit the digest)")
    if len(rows) < len(every):
        parts.append(f"({len(every) - len(rows)} rows are about services whose data may not be shown)")
    return fence("\n".join(parts), Stranger.TOOL, evidence.id)


def brief(evidence: Evidence, redactor: Redactor) -> str:
    """What stays of a result that left the context; `recall_result` brings it back."""
    said = inline(redactor.hide(evidence.error or evidence.digest.summary), max_characters=160)
    return f"[{evidence.id} left the context: {said}; recall_result returns it]"


def _rows(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Subject and text of each row."""
    for series in evidence.digest.series:
        yield series.subject, _series(series)
    for template in evidence.digest.templates:
        yield template.subject, _template(template)
    for fact in evidence.digest.facts:
        yield fact.subject, _fact(fact)


def _series(row: SeriesDigest) -> str:
    now = "no samples" if row.current is None else f"{row.current:g} {row.unit}".rstrip()
    usual = "" if row.baseline is None else f", usually {row.baseline:g}"
    apart = "" if row.deviation is None else f", z {row.deviation:g}"
    since = "" if row.onset is None else f" since {_clock(row.onset)}"
    return f"{row.subject} {row.metric}: {now}{usual}{apart}{since} {row.sparkline}".rstrip()


def _template(row: TemplateDigest) -> str:
    rates = f"{row.rate_before:g}/s before, {row.rate_now:g}/s now"
    first = "" if row.first_at is None else f", first {_clock(row.first_at)}"
    dull = row.severity is Severity.INFO and row.change is LogChange.STEADY
    example = "" if dull or row.example in ("", row.template) else f"; such as: {row.example}"
    return f"{row.severity} {row.change} {row.count} lines ({rates}{first}) {row.template}{example}"


def _fact(row: Fact) -> str:
    return f"{row.subject} {row.name}: {row.value}" + ("" if row.at is None else f" at {_clock(row.at)}")


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
