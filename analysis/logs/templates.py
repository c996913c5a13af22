"""Log lines folded into templates: what varies is masked, what is left is counted before and now."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from analysis.config import AnalysisConfig
from core.frames import LogLine
from core.models import Severity, Window

OVERFLOW = "<other templates>"
MAX_TEMPLATE_CHARACTERS = 300

_MASKS = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)(?:0x)?[0-9a-fA-F]{8,}\b"), "<id>"),
    (re.compile(r"(?<!\w)[-+]?\d+(?:[.:,]\d+)*|\d+"), "<n>"),
)
_MESSAGE_KEYS = ("msg", "message", "event")
_LEVEL_KEYS = ("level", "severity", "levelname")
_LEVELS = {
    "warn": Severity.WARNING,
    "warning": Severity.WARNING,
    "error": Severity.CRITICAL,
    "err": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "panic": Severity.CRITICAL,
    "alert": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
}
_ERROR_WORDS = re.compile(
    r"\b(?:error|exception|traceback|fatal|panic|failed|failure|refused|timed? ?out|killed)\b", re.IGNORECASE
)
_WARNING_WORDS = re.compile(r"\b(?:warn|warning|retry|retrying|deprecated|slow)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TemplateStats:
    """One template of one service.

    Attributes:
        template: the message with its variable parts masked.
        before, now: lines in the baseline and in the window.
        rate_before, rate_now: the same per second.
        surprise: how many standard deviations (Poisson) the window has more lines than the baseline's rate predicts;
            at least one line is expected, so that a template that was never seen does not divide by zero.
        first_at: its first line in the window; None when it has none there.
        example: one line, as it was written, cut to a bounded length.
    """

    template: str
    severity: Severity
    before: int
    now: int
    rate_before: float
    rate_now: float
    surprise: float
    first_at: datetime | None
    example: str


@dataclass(slots=True)
class _Count:
    """A template while it is being counted."""

    severity: Severity
    example: str
    before: int = 0
    now: int = 0
    first_at: datetime | None = None


def mask(message: str) -> str:
    """The template of a message: ids, addresses and numbers masked, white space folded, length bounded."""
    text = " ".join(message[: 4 * MAX_TEMPLATE_CHARACTERS].split())
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return text[:MAX_TEMPLATE_CHARACTERS]


def parse(line: LogLine) -> tuple[str, Severity]:
    """Message and severity of a line: its own severity, else the level of its JSON, else the words in it."""
    message, level = _from_json(line.text)
    if line.severity is not None:
        return message, line.severity
    if level:
        return message, _LEVELS.get(level, Severity.INFO)
    if _ERROR_WORDS.search(message):
        return message, Severity.CRITICAL
    return message, Severity.WARNING if _WARNING_WORDS.search(message) else Severity.INFO


def mine(
    lines: Sequence[LogLine], window: Window, baseline: Window, config: AnalysisConfig
) -> tuple[TemplateStats, ...]:
    """Templates of one service's lines, most surprising error first; lines outside both windows are ignored.

    Memory is bounded: beyond ``config.max_log_templates`` new templates share one row of each severity.
    """
    counts: dict[tuple[str, Severity], _Count] = {}
    for line in lines:
        in_window = window.start <= line.at <= window.end
        if not in_window and not baseline.start <= line.at < baseline.end:
            continue
        message, severity = parse(line)
        key = (mask(message), severity)
        if key not in counts and len(counts) >= config.max_log_templates:
            key = (OVERFLOW, severity)
        count = counts.setdefault(key, _Count(severity, line.text[:MAX_TEMPLATE_CHARACTERS]))
        if in_window:
            count.now += 1
            count.first_at = line.at if count.first_at is None else min(count.first_at, line.at)
        else:
            count.before += 1
    stats = [_stats(template, count, window, baseline) for (template, _), count in counts.items()]
    return tuple(sorted(stats, key=lambda one: (-_RANK[one.severity], -one.surprise)))


_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def _stats(template: str, count: _Count, window: Window, baseline: Window) -> TemplateStats:
    """Turn counts into rates; a window without length has rate 0."""
    rate_before = count.before / baseline.seconds if baseline.seconds else 0.0
    expected = rate_before * window.seconds
    return TemplateStats(
        template=template,
        severity=count.severity,
        before=count.before,
        now=count.now,
        rate_before=rate_before,
        rate_now=count.now / window.seconds if window.seconds else 0.0,
        surprise=(count.now - expected) / sqrt(max(expected, 1.0)),
        first_at=count.first_at,
        example=count.example,
    )


def _from_json(text: str) -> tuple[str, str]:
    """Message and lower-case level of a JSON line; the text itself and no level when it is none."""
    if not text.lstrip().startswith("{"):
        return text, ""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text, ""
    message = next((str(fields[key]) for key in _MESSAGE_KEYS if fields.get(key)), text)
    level = next((str(fields[key]).lower() for key in _LEVEL_KEYS if fields.get(key)), "")
    return message, level
