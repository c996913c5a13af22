"""How data becomes part of a prompt: secrets hidden, strangers fenced, rows bounded, what was cut said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime

from agents.fencing import Stranger, fence, inline
from agents.prompting import bounded
from agents.redaction import Redactor
from core.models import Evidence, Finding, Signal, TemplateDigest

MAX_CELL_CHARACTERS = 180
FENCE_TOKENS = 40
"""Of the two lines of a fence, and of saying that it was cut."""

MAX_IDS = 6
"""Of evidence behind one row."""

NONE = "(none)"


@dataclass(frozen=True, slots=True)
class Showing:
    """Makes the variables of one prompt; the same redactor restores the answer."""

    redactor: Redactor

    def line(self, text: str, max_characters: int = MAX_CELL_CHARACTERS) -> str:
        """A stranger's text on one line of ours."""
        return inline(self.redactor.hide(text), max_characters=max_characters)

    def names(self, names: Sequence[str], max_tokens: int = 200) -> str:
        """A list of names on one line, as many as fit."""
        rows = bounded((self.line(name, 80) for name in names), max_tokens, "names", len(names))
        return ", ".join(rows.split("\n"))

    def block(self, rows: Iterable[str], max_tokens: int, what: str = "rows", count: int | None = None) -> str:
        """Rows of several columns as a fenced block; each was made with `line`.

        Args:
            rows: most important first; no more of them are made than fit.
            max_tokens: upper estimate of the block.
            count: how many rows there are, where `rows` does not know its length.
        """
        total = len(rows) if isinstance(rows, Sized) else count
        text = bounded((f"| {row}" for row in rows), max_tokens - FENCE_TOKENS, what, total)
        if text == NONE:
            return NONE
        plain = "\n".join(row.removeprefix("| ") for row in text.split("\n"))
        return fence(plain, Stranger.TOOL, max_characters=4 * len(text))

    def digests(self, evidence: Sequence[Evidence], max_tokens: int) -> str:
        """Evidence, each piece in a line that begins with its id."""
        rows = (f"[{one.id}] {one.kind} {self.line(one.error or one.digest.summary)}" for one in evidence)
        return self.block(rows, max_tokens, "pieces of evidence", len(evidence))

    def findings(self, findings: Sequence[Finding], max_tokens: int) -> str:
        """Findings, strongest first as they come."""
        rows = (
            f"{self.line(one.service, 60)} {one.signal} {one.shape} {self.line(one.text or one.metric)}"
            f" since {clock(one.onset)} {ids(one.evidence)}"
            for one in findings
        )
        return self.block(rows, max_tokens, "findings", len(findings))

    def template(self, row: TemplateDigest, evidence_id: str) -> str:
        """A log template in a cell of a table."""
        words = self.line(row.template or row.example, 140)
        return f"{row.severity} {row.change} {row.count}x {words} [{evidence_id}]"


def ids(evidence: Sequence[str]) -> str:
    """Evidence ids in brackets, the first few: what a row rests on most."""
    return f"[{', '.join(evidence[:MAX_IDS])}]"


def clock(at: datetime) -> str:
    """Time of day in UTC."""
    return f"{at:%H:%M:%S}"


def by_id(evidence: Iterable[Evidence]) -> Mapping[str, Evidence]:
    """Evidence that was there to be read: what did not answer proves nothing."""
    return {one.id: one for one in evidence if not one.error}


def templates_of(evidence: Iterable[Evidence], service: str) -> Iterator[tuple[TemplateDigest, str]]:
    """Log templates of a service with the id of their evidence, as their digests rank them."""
    for one in evidence:
        for row in one.digest.templates:
            if row.subject == service:
                yield row, one.id


def measured(value: float, signal: Signal) -> str:
    """A value as people say it: cores and ratios in percent, seconds below one in milliseconds, bytes in MiB."""
    if signal in {Signal.CPU, Signal.ERRORS}:
        return f"{100 * value:.3g}%"
    if signal in {Signal.LATENCY, Signal.CLOCK}:
        return f"{1000 * value:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
    if signal in {Signal.MEMORY, Signal.MEMORY_LIMIT, Signal.DISK, Signal.DISK_LIMIT}:
        return f"{value / 2**20:.4g} MiB"
    return f"{value:.4g}"


def crossed(finding: Finding, threshold_z: float) -> str:
    """The threshold that a finding crossed, such as ``cpu 96% > 90% since 12:03:10``; empty when it has no level.

    The threshold is where the deviation reaches `threshold_z`, on the line from the baseline to the current value.
    """
    current, baseline, apart = finding.current, finding.baseline, abs(finding.magnitude)
    if current is None or baseline is None or current == baseline:
        return ""
    share = min(1.0, threshold_z / apart) if apart > 0 else 1.0
    threshold = baseline + share * (current - baseline)
    sign = ">" if current > baseline else "<"
    level = f"{measured(current, finding.signal)} {sign} {measured(threshold, finding.signal)}"
    return f"{finding.signal} {level} since {clock(finding.onset)}"
