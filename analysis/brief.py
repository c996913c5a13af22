"""An incident on a page: its findings, its causes and the evidence behind them, as people and models read them.

The wording is stable and the order is what matters first, so that two briefs of one incident are the same text and a
shorter one is a prefix of the longer. Names and messages in it were written by strangers: they are shown on one line,
without control characters, and cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from analysis.tokens import cut
from core.models import Diagnosis, Digest, Evidence, Fact, Finding, SeriesDigest, TemplateDigest
from core.tokens import tokens

MAX_FINDINGS = 12
MAX_ROWS = 6
OMITTED_TOKENS = 12
"""Kept free for the line that says how much was left out."""


def brief(
    diagnosis: Diagnosis, findings: Sequence[Finding], evidence: Sequence[Evidence], max_tokens: int = 3000
) -> str:
    """The page: causes, what was ruled out, findings, then evidence, what the causes cite first.

    Args:
        max_tokens: upper bound of the text, by the estimate of `analysis.tokens`; whole sections are left out from the
            end, and the last line says how many.
    """
    sections = [
        causes(diagnosis),
        _findings(findings),
        *(_section(one) for one in ranked(diagnosis, findings, evidence)),
    ]
    kept: list[str] = []
    used = 0
    for section in sections:
        if not section:
            continue
        text = "\n".join(section)
        if used + tokens(text) > max_tokens - OMITTED_TOKENS:
            break
        kept.append(text)
        used += tokens(text)
    left_out = sum(bool(section) for section in sections) - len(kept)
    return "\n".join([*kept, *([f"({left_out} more sections left out)"] if left_out else [])])


def ranked(diagnosis: Diagnosis, findings: Sequence[Finding], evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Evidence, what matters first: cited by a cause, cited by a finding, what did not answer, the rest."""
    cited = [item for one in diagnosis.hypotheses for item in (*one.evidence_for, *one.evidence_against)]
    cited += [item for finding in findings for item in finding.evidence]
    place = {item: index for index, item in enumerate(dict.fromkeys(cited))}
    last = len(place)
    return tuple(sorted(evidence, key=lambda one: (place.get(one.id, last), not one.error)))


def told(digest: Digest) -> tuple[str, ...]:
    """A digest in lines: its summary, then its rows, those that matter first."""
    rows = [
        *(_series(row) for row in digest.series),
        *(_template(row) for row in digest.templates),
        *(_fact(row) for row in digest.facts),
    ]
    omitted = digest.omitted + max(0, len(rows) - MAX_ROWS)
    lines = [_plain(digest.summary), *(f"  {row}" for row in rows[:MAX_ROWS])]
    return (*lines, f"  ({omitted} more rows)") if omitted else tuple(lines)


def causes(diagnosis: Diagnosis) -> list[str]:
    """The ranked causes and what was ruled out, in lines, with the evidence for each."""
    lines = [f"no cause: {_plain(diagnosis.abstained)}"] if diagnosis.abstained else []
    for rank, one in enumerate(diagnosis.hypotheses, 1):
        since = f" since {_clock(one.onset)}" if one.onset else ""
        lines.append(f"cause {rank}: {one.service} {one.kind}, probability {one.probability:g}{since}")
        lines.append(f"  {_plain(one.statement)} [{', '.join(one.evidence_for)}]")
    lines += [
        f"ruled out: {one.service}: {_plain(one.reason)} [{', '.join(one.evidence)}]" for one in diagnosis.ruled_out
    ]
    return lines


def _findings(findings: Sequence[Finding]) -> list[str]:
    """The strongest findings, one a line."""
    lines = [
        f"finding: {one.service} {one.signal} {one.shape}: {_plain(one.text or one.metric)},"
        f" z {one.magnitude:g}, since {_clock(one.onset)} [{', '.join(one.evidence)}]"
        for one in findings[:MAX_FINDINGS]
    ]
    left_out = len(findings) - len(lines)
    return [*lines, f"({left_out} weaker findings)"] if left_out > 0 else lines


def _section(evidence: Evidence) -> list[str]:
    """One piece of evidence: who was asked, and what came back."""
    head = f"[{evidence.id}] {evidence.tool} of {evidence.subject or 'the system'}, from {_plain(evidence.source)}"
    if evidence.error:
        return [f"{head}: did not answer: {_plain(evidence.error)}"]
    first, *rows = told(evidence.digest)
    return [f"{head}: {first}", *rows]


def _series(row: SeriesDigest) -> str:
    """A series: now, usually, how far apart, since when, how it looks."""
    parts = [
        f"{row.subject} {_plain(row.metric)}: "
        + ("no samples" if row.current is None else f"{row.current:g} {row.unit}"),
        "" if row.baseline is None else f"usually {row.baseline:g}",
        "" if row.deviation is None else f"z {row.deviation:g}",
        f"since {_clock(row.onset)}" if row.onset else "",
    ]
    return _joined(parts, row.sparkline)


def _template(row: TemplateDigest) -> str:
    """A log template: severity, count, rates, first line, wording."""
    parts = [
        f"{row.severity}, {row.count} lines",
        f"{row.rate_now:g}/s, usually {row.rate_before:g}/s",
        f"first {_clock(row.first_at)}" if row.first_at else "",
    ]
    return f"{_joined(parts)}: {_plain(row.template)}"


def _fact(row: Fact) -> str:
    """A fact, with its time where it has one."""
    return f"{row.subject} {_plain(row.name)}: {_plain(row.value)}" + (f" at {_clock(row.at)}" if row.at else "")


def _joined(parts: Iterable[str], last: str = "") -> str:
    text = ", ".join(part for part in parts if part)
    return f"{text} {last}" if last else text


def _clock(at: datetime) -> str:
    """Time of day to the second, UTC: an incident is read within its day."""
    return at.strftime("%H:%M:%SZ")


def _plain(text: str) -> str:
    """A stranger's text on one line."""
    return cut("".join(char if char.isprintable() else " " for char in text))
