"""One day of the Nezha data set: its spans, log lines and metrics, as they were recorded.

A file ``HH_MM`` holds roughly the minute before that time, so records are placed by their own time stamps; lines that
are no record, and records whose time stamp is absurd, are left out.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from analysis.view import SignalFrame
from core.frames import LogLine
from core.models import Signal, Window
from core.traces import Span

MAX_FIELD = 10_000_000
ABSURD = timedelta(minutes=10)
"""A record further than that from the minute of its file is not from there."""

SIGNALS: dict[str, tuple[Signal, str, float]] = {
    "CpuUsage(m)": (Signal.CPU, "cores", 1e-3),
    "MemoryUsage(Mi)": (Signal.MEMORY, "bytes", 2.0**20),
    "PodWorkload(Ops)": (Signal.TRAFFIC, "requests/s", 1.0),
}
"""Column -> what it measures, and what turns it into the analysis' unit. Latencies are not read: spans have them."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What one pair of files holds."""

    window: Window
    spans: tuple[Span, ...]
    lines: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """All records of a day.

    Attributes:
        minutes: by name ``HH_MM``, of times with and without faults.
        fault_free: names of the minutes without a fault.
        signals: of all pods, the whole day.
        starts_at: time of the first sample of any of them.
    """

    minutes: Mapping[str, Minute]
    fault_free: tuple[str, ...]
    signals: tuple[SignalFrame, ...]
    starts_at: datetime


def service_of(pod: str) -> str:
    """The pod's name less its two hash suffixes."""
    return pod.rsplit("-", 2)[0]


def read_day(folder: Path) -> Day:
    """Read one day; the services of both kinds of minutes are the same."""
    minutes = {}
    for kind in ("fault", "normal"):
        for path in sorted((folder / kind / "trace").glob("*_trace.csv")):
            name = path.name.removesuffix("_trace.csv")
            minutes[name] = _minute(folder, kind, name)
    fault_free = tuple(
        path.name.removesuffix("_trace.csv") for path in sorted((folder / "normal" / "trace").glob("*.csv"))
    )
    signals = tuple(_signals(folder / "fault" / "metric"))
    starts_at = min((float(frame.times[0]) for frame in signals), default=0.0)
    return Day(minutes, fault_free, signals, datetime.fromtimestamp(starts_at, UTC))


def between(minutes: Iterable[Minute], window: Window) -> tuple[list[Span], list[LogLine]]:
    """Spans and lines of a time, its end included."""
    spans: list[Span] = []
    lines: list[LogLine] = []
    for minute in minutes:
        if minute.window.start <= window.end and minute.window.end >= window.start:
            spans += [span for span in minute.spans if window.start <= span.start <= window.end]
            lines += [line for line in minute.lines if window.start <= line.at <= window.end]
    return spans, lines


def _minute(folder: Path, kind: str, name: str) -> Minute:
    named_at = datetime.strptime(f"{folder.name} {name}", "%Y-%m-%d %H_%M").replace(tzinfo=UTC)
    near = (named_at - ABSURD, named_at + ABSURD)
    spans = [span for span in _spans(folder / kind / "trace" / f"{name}_trace.csv") if near[0] < span.start < near[1]]
    log = folder / kind / "log" / f"{name}_log.csv"
    lines = [line for line in _lines(log) if near[0] < line.at < near[1]] if log.is_file() else []
    spans.sort(key=lambda span: span.start)
    lines.sort(key=lambda line: line.at)
    times = [*(span.start for span in spans), *(line.at for line in lines)]
    window = Window(start=min(times), end=max(times)) if times else Window(start=named_at, end=named_at)
    return Minute(window, tuple(spans), tuple(lines))


def _rows(path: Path) -> Iterator[list[str]]:
    """Rows of a file as wide as its header; NUL bytes and undecodable ones are dropped."""
    csv.field_size_limit(MAX_FIELD)
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.reader(line.replace("\0", "") for line in file)
        width = len(next(rows, []))
        yield from (row for row in rows if len(row) == width)


def _spans(path: Path) -> Iterator[Span]:
    for trace, span, parent, pod, operation, start, end, _ in _rows(path):
        if start.isdecimal() and end.isdecimal():
            yield Span(
                trace_id=trace,
                span_id=span,
                parent_id="" if parent == "root" else parent,
                service=service_of(pod),
                name=operation,
                start=_instant(int(start)),
                duration_seconds=max(0, int(end) - int(start)) / 1e9,
            )


def _lines(path: Path) -> Iterator[LogLine]:
    for _, at, _, pod, _, trace, span, text in _rows(path):
        if at.isdecimal():
            message = _unwrapped(text)
            yield LogLine(at=_instant(int(at)), service=service_of(pod), text=message, trace_id=trace, span_id=span)


def _unwrapped(text: str) -> str:
    """The line within what Docker's json-file driver wrote."""
    try:
        wrapped = json.loads(text)
    except ValueError:
        return text
    return str(wrapped.get("log", text)).rstrip("\n") if isinstance(wrapped, dict) else text


def _signals(folder: Path) -> Iterator[SignalFrame]:
    for path in sorted(folder.glob("*_metric.csv")):
        service = service_of(path.name.removesuffix("_metric.csv"))
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        times = np.array([float(row["TimeStamp"]) for row in rows])
        for column, (signal, unit, factor) in SIGNALS.items():
            values = np.array([float(row[column] or "nan") for row in rows]) * factor
            yield SignalFrame(service, signal, column, unit, times, values, f"{service}/{column}")


def _instant(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
