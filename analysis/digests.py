"""Series and logs told in a bounded number of tokens, whatever came in; sorted by what matters, stable wording."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np

from analysis.config import AnalysisConfig
from analysis.logs.comparison import compare_service
from analysis.references import reference_windows
from analysis.rounding import instant, significant
from analysis.series.baselines import clean
from analysis.series.readings import Reading, read
from analysis.series.windows import window_deviations
from analysis.tokens import cut
from analysis.view import LogFrame, SignalFrame
from core.frames import Floats
from core.models import (
    Digest,
    Fact,
    LogCategory,
    Model,
    SeriesDigest,
    TemplateClass,
    TemplateDigest,
    Window,
    WindowDeviation,
)
from core.tokens import tokens

SPARKLINE_POINTS = 24
BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"

Row = TypeVar("Row", SeriesDigest, TemplateDigest, Fact)


def series_digest(frame: SignalFrame, window: Window, baseline: Window, config: AnalysisConfig) -> SeriesDigest:
    """One series in a line: where it is, where it usually is, since when, and how it looks."""
    reading = read(frame, window, baseline, config)
    return SeriesDigest(
        subject=frame.service,
        metric=frame.metric,
        unit=frame.unit,
        current=None if reading.current is None else significant(reading.current),
        baseline=None if reading.normal is None else significant(reading.normal.median),
        deviation=None if reading.deviation is None else significant(reading.deviation),
        onset=None if reading.onset is None else instant(reading.onset.at),
        samples=reading.samples,
        sparkline=sparkline(frame, baseline.start.timestamp(), window.end.timestamp()),
        windows=_windows(frame, reading, window, config),
        usual=() if frame.history is None else frame.history.usual,
    )


def _windows(
    frame: SignalFrame, reading: Reading, window: Window, config: AnalysisConfig
) -> tuple[WindowDeviation, ...]:
    """How far the series is from its normal over the windows that end with the analysed one."""
    if reading.normal is None or not reading.samples:
        return ()
    times, values = clean(frame)
    known = times <= window.end.timestamp()
    return window_deviations(times[known], values[known], reading.normal, config.max_z)


def template_digests(
    log: LogFrame, window: Window, baseline: Window, config: AnalysisConfig, known: Iterable[TemplateClass] = ()
) -> tuple[TemplateDigest, ...]:
    """The templates of one service, errors and the most surprising first.

    Args:
        known: what was found of templates that no rule knows. It names their category, and may show one as worse than
            its lines state, never as less.
    """
    rows = tuple(
        TemplateDigest(
            subject=log.service,
            template=change.template,
            severity=change.severity,
            category=change.category,
            change=change.change,
            count=change.now,
            rate_before=significant(change.rate_before),
            rate_now=significant(change.rate_now),
            first_at=change.first_at,
            example=change.example,
        )
        for change in compare_service(log.lines, window, reference_windows(window, baseline), config)
    )
    found = {cut(one.template): one for one in known}
    return tuple(_classified(row, found.get(cut(row.template))) for row in rows) if found else rows


def _classified(row: TemplateDigest, found: TemplateClass | None) -> TemplateDigest:
    if found is None or row.category is not LogCategory.OTHER:
        return row
    severity = max(row.severity, found.severity, key=lambda one: one.rank)
    return row.model_copy(update={"category": found.category, "severity": severity})


def sparkline(frame: SignalFrame, start: float, end: float) -> str:
    """The series from start to end (epoch seconds) in block characters, at most 24; a gap shows as a dot."""
    times, values = clean(frame)
    inside = (times >= start) & (times <= end)
    times, values = times[inside], values[inside]
    if values.size == 0 or end <= start:
        return ""
    buckets = np.minimum(((times - start) / (end - start) * SPARKLINE_POINTS).astype(int), SPARKLINE_POINTS - 1)
    points = [_median_or_none(values[buckets == bucket]) for bucket in range(SPARKLINE_POINTS)]
    known = [point for point in points if point is not None]
    low, spread = min(known), max(known) - min(known)
    return "".join(GAP if point is None else _block(point - low, spread) for point in points)


def bound(digest: Digest, max_tokens: int) -> Digest:
    """The digest with as many rows as fit, in order: series, templates, facts; long texts are cut.

    `tokens` and `omitted` of the result tell what it costs and how many rows were left out. The summary always stays.
    """
    summary = cut(digest.summary)
    used = _tokens(Digest(summary=summary, cursor=digest.cursor))
    series, used, without_series = _fill(digest.series, used, max_tokens)
    templates, used, without_templates = _fill(digest.templates, used, max_tokens)
    facts, used, without_facts = _fill(digest.facts, used, max_tokens)
    return Digest(
        summary=summary,
        series=series,
        templates=templates,
        facts=facts,
        omitted=digest.omitted + without_series + without_templates + without_facts,
        tokens=used,
        cursor=digest.cursor,
    )


def _fill(rows: tuple[Row, ...], used: int, max_tokens: int) -> tuple[tuple[Row, ...], int, int]:
    """The first rows that fit, the tokens used with them, and how many rows were left out."""
    kept: list[Row] = []
    for row in rows:
        short = row.model_copy(update={name: cut(text) for name, text in row if isinstance(text, str)})
        cost = _tokens(short)
        if used + cost > max_tokens:
            break
        kept.append(short)
        used += cost
    return tuple(kept), used, len(rows) - len(kept)


def _tokens(model: Model) -> int:
    """Tokens of a model as JSON."""
    return tokens(model.model_dump_json())


def _median_or_none(values: Floats) -> float | None:
    """Median of the values, None of nothing."""
    return float(np.median(values)) if values.size else None


def _block(height: float, spread: float) -> str:
    """The block for a height above the lowest point; rounded first, as the last bits differ between CPUs."""
    return BLOCKS[int(round(height / spread, 6) * (len(BLOCKS) - 1)) if spread > 0 else 0]
