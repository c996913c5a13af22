"""Findings of one series and of one service's log lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.config import AnalysisConfig
from analysis.logs.comparison import TemplateChange, compare_service, operations
from analysis.logs.miner import OVERFLOW
from analysis.references import reference_windows
from analysis.rounding import instant, significant
from analysis.series.forecasts import forecast
from analysis.series.limits import limit_of
from analysis.series.onset import Onset
from analysis.series.readings import Reading, read
from analysis.view import LogFrame, SignalFrame, SystemView
from core.models import Finding, Forecast, Severity, Shape, Signal

MAX_OPERATION_CHARACTERS = 80
_MANNERS = {
    Shape.TREND: "rises steadily and",
    Shape.VARIANCE: "swings more widely than usual and",
    Shape.FLATLINE: "stands still and",
}
"""What is told of a shape beside the level."""


@dataclass(frozen=True, slots=True)
class LogSign:
    """A template that is more frequent than usual, and how many lines of it the window has."""

    finding: Finding
    lines: int


def series_finding(frame: SignalFrame, view: SystemView, config: AnalysisConfig) -> Finding | None:
    """The finding of one series, if it left its baseline or is on its way to its limit."""
    reading = read(frame, view.window, view.baseline, config)
    expected, cited = _expected(frame, reading, view, config)
    if reading.shape is None and reading.trend is not None and expected is not None:
        trend = reading.trend
        onset = Onset(trend.onset, trend.uncertainty_seconds)
        reading = replace(reading, shape=Shape.TREND, onset=onset, current=trend.level, deviation=config.robust_z)
    if reading.shape is None or reading.onset is None:
        return None
    return Finding(
        service=frame.service,
        signal=frame.signal,
        shape=reading.shape,
        metric=frame.metric,
        onset=instant(reading.onset.at),
        onset_uncertainty_seconds=significant(reading.onset.uncertainty_seconds),
        magnitude=_magnitude(reading, config),
        current=None if reading.current is None else significant(reading.current),
        baseline=None if reading.normal is None else significant(reading.normal.median),
        forecast=expected,
        text=_describe(frame, reading, expected),
        evidence=(frame.evidence, *cited),
    )


def log_signs(log: LogFrame, view: SystemView, config: AnalysisConfig) -> list[LogSign]:
    """Warning and error templates that are more frequent than usual, however little; info lines follow traffic."""
    earlier = reference_windows(view.window, view.baseline, view.references)
    spans = [span for frame in view.traces if frame.service == log.service for span in (*frame.baseline, *frame.window)]
    ran = operations(spans, view.window, earlier)
    return [
        LogSign(_log_finding(log, change, view, config), change.now)
        for change in compare_service(log.lines, view.window, earlier, config, ran)
        if change.severity is not Severity.INFO and change.template != OVERFLOW and change.surprise > 0
    ]


def _expected(
    frame: SignalFrame, reading: Reading, view: SystemView, config: AnalysisConfig
) -> tuple[Forecast | None, tuple[str, ...]]:
    """When a series that rises steadily will be at its limit, and the evidence for the limit."""
    if reading.trend is None:
        return None, ()
    known = limit_of(frame, view.signals, view.window.end.timestamp())
    if known is None:
        return None, ()
    limit, evidence = known
    expected = forecast(reading.trend, limit, config)
    return (None, ()) if expected is None else (expected, (evidence,))


def _magnitude(reading: Reading, config: AnalysisConfig) -> float:
    """Signed robust z. A missing series has none and counts as just unusual; being down as at least that much."""
    if reading.shape is Shape.MISSING or reading.deviation is None:
        return -config.robust_z
    if reading.shape is Shape.ABSENT_UP:
        return significant(min(reading.deviation, -config.robust_z))
    return significant(reading.deviation)


def _describe(frame: SignalFrame, reading: Reading, expected: Forecast | None) -> str:
    """One line for people."""
    if reading.shape is Shape.MISSING:
        return f"{frame.signal} of {frame.service} has no samples any more"
    normal = "unknown" if reading.normal is None else f"{significant(reading.normal.median):g}"
    now = "unknown" if reading.current is None else f"{significant(reading.current):g}"
    manner = _MANNERS.get(reading.shape, "") if reading.shape else ""
    told = f"{frame.signal} of {frame.service} {manner} is {f'{now} {frame.unit}'.rstrip()}, usually {normal}"
    if expected is not None:
        latest = f"{expected.latest:%H:%M:%S}" if expected.latest else "no end"
        told += f"; expected at its limit of {expected.limit:g} at {expected.at:%H:%M:%S} UTC"
        told += f" (between {expected.earliest:%H:%M:%S} and {latest})"
    return " ".join(told.split())


def _log_finding(log: LogFrame, change: TemplateChange, view: SystemView, config: AnalysisConfig) -> Finding:
    """One template as a finding; `current` and `baseline` are lines per second."""
    first_at = change.first_at or view.window.start
    where = f" in {change.operation[:MAX_OPERATION_CHARACTERS]}" if change.operation else ""
    how = "more often" if change.before else "for the first time"
    return Finding(
        service=log.service,
        signal=Signal.LOGS,
        shape=Shape.LOG_RATE if change.before else Shape.NEW_LOG,
        metric=change.template,
        onset=instant(first_at.timestamp()),
        magnitude=significant(min(change.surprise, config.max_z)),
        current=significant(change.rate_now),
        baseline=significant(change.rate_before),
        text=f"{log.service} logs {how}{where}: {change.template}",
        evidence=(log.evidence,),
    )
