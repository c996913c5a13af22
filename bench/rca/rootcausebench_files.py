"""RootCauseBench's files, read as what Quell's sources would have told when the alert fired.

Source: https://github.com/edgedelta/root-cause-bench (Apache-2.0). Nothing later than the alert is kept, neither
samples nor commits. `ground_truth.json`, `instruction.md` and `patterns.json` (which counts what comes later too) are
not opened here.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from analysis.view import ChangeView, LogFrame, SignalFrame, SystemView, TraceFrame
from bench.rca.rootcausebench_signals import reading_of
from core.frames import LogLine
from core.models import Change, Severity, Window
from core.traces import KEPT_ATTRIBUTES, Span, SpanKind

_LEVELS = {"WARN": Severity.WARNING, "WARNING": Severity.WARNING, "INFO": Severity.INFO, "DEBUG": Severity.INFO}
_LINE_FIELDS = frozenset({"timestamp", "service", "severity_text", "msg", "trace_id"})
_SAME_TRACE = "same"


@dataclass(frozen=True, slots=True)
class Incident:
    """The parsed files of one case as plain data, so that they can be renamed, reordered and added to."""

    alert: dict[str, Any]
    logs: list[dict[str, Any]]
    metrics: list[dict[str, str]]
    spans: list[dict[str, Any]]
    commits: list[dict[str, Any]]
    deploys: list[dict[str, Any]]
    flags: list[dict[str, Any]]

    @property
    def services(self) -> list[str]:
        """Every service that is named, the alert's first, in the order of the files."""
        rows = [self.alert, *self.metrics, *self.logs, *self.spans, *self.deploys, *self.flags]
        return list(dict.fromkeys(str(row["service"]) for row in rows))


def read_incident(folder: Path) -> Incident:
    """The files of one case."""
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
        metrics = [dict(row) for row in csv.DictReader(file)]
    lines = (folder / "logs.ndjson").read_text(encoding="utf-8").splitlines()
    context = folder / "context"
    return Incident(
        alert=_json(folder / "alert.json"),
        logs=[json.loads(line) for line in lines if line.strip()],
        metrics=metrics,
        spans=_json(folder / "traces.json"),
        commits=_json(context / "commits.json"),
        deploys=_json(context / "deploys.json"),
        flags=_json(context / "flags.json"),
    )


def view_of(incident: Incident, window_seconds: float, late_seconds: float = 0.0) -> SystemView:
    """What is known when the alert fires, or that much later: a window that ends then, the rest as baseline."""
    end = _at(incident.alert["fired_at"]) + timedelta(seconds=late_seconds)
    start = end - timedelta(seconds=window_seconds)
    signals = _signals(incident, end)
    first = min((float(frame.times[0]) for frame in signals), default=start.timestamp() - 3600)
    began = datetime.fromtimestamp(min(first, start.timestamp() - window_seconds), end.tzinfo)
    spans = [span for span in _spans(incident) if span.start <= end]
    dependencies = _dependencies(spans)
    return SystemView(
        symptom=incident.alert["service"],
        window=Window(start=start, end=end),
        baseline=Window(start=began, end=start),
        signals=signals,
        logs=_logs(incident, end),
        states=(),
        changes=_changes(incident, end),
        dependencies=dependencies,
        topology_evidence="topology" if dependencies else "",
        alert_evidence="alert",
        traces=_traces(spans, start, dependencies),
    )


def _signals(incident: Incident, end: datetime) -> tuple[SignalFrame, ...]:
    """The series whose names say what they measure."""
    series: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in incident.metrics:
        if (at := _at(row["timestamp"])) <= end:
            series.setdefault((row["service"], row["metric"]), []).append((at.timestamp(), float(row["value"])))
    frames = []
    for (service, metric), samples in series.items():
        if (reading := reading_of(metric)) is not None:
            times, values = np.array(sorted(samples), dtype=np.float64).T
            evidence = f"metric/{service}/{metric}"
            known = reading.values(values)
            frames.append(SignalFrame(service, reading.signal, metric, reading.unit, times, known, evidence))
            if reading.whole is not None:
                full = np.ones_like(known)
                frames.append(SignalFrame(service, reading.whole, metric, reading.unit, times, full, evidence))
    return tuple(frames)


def _logs(incident: Incident, end: datetime) -> tuple[LogFrame, ...]:
    """Messages with the other fields behind them, as logfmt."""
    lines: dict[str, list[LogLine]] = {}
    for row in incident.logs:
        more = " ".join(f"{name}={value}" for name, value in row.items() if name not in _LINE_FIELDS)
        level = str(row.get("severity_text", "")).upper()
        line = LogLine(
            at=_at(row["timestamp"]),
            service=row["service"],
            text=f"{row['msg']} {more}".strip(),
            severity=_LEVELS.get(level, Severity.CRITICAL) if level else None,
        )
        if line.at <= end:
            lines.setdefault(line.service, []).append(line)
    ordered = {service: tuple(sorted(found, key=lambda line: line.at)) for service, found in lines.items()}
    return tuple(LogFrame(service, found, f"logs/{service}") for service, found in ordered.items())


def _changes(incident: Incident, end: datetime) -> tuple[ChangeView, ...]:
    """Commits belong to no service by themselves: the deploys that name them say where they went."""
    found = [
        Change(
            service="",
            kind="commit",
            at=_at(row["timestamp"]),
            actor=row["author"],
            detail=row["message"],
            reference=row["sha"],
            text=row.get("diff") or "",
            paths=tuple(row["files_changed"]),
            source="git",
        )
        for row in incident.commits
    ]
    found += [
        Change(
            service=row["service"],
            kind="deploy",
            at=_at(row["timestamp"]),
            after=row["version"],
            reference=row["commit_sha"],
        )
        for row in incident.deploys
    ]
    for row in incident.flags:
        before, _, after = str(row["change"]).partition("->")
        actor = str(row.get("actor", ""))
        flag = Change(service=row["service"], kind="flag", at=_at(row["timestamp"]), actor=actor, before=before)
        found.append(flag.model_copy(update={"after": after, "reference": row["flag"]}))
    return tuple(ChangeView(one, f"change/{one.kind}/{one.reference}") for one in found if one.at <= end)


def _spans(incident: Incident) -> list[Span]:
    """Spans with ids as OpenTelemetry wants them; a trace called `same` is that of the span before."""
    rows, trace = [], ""
    for row in incident.spans:
        trace = trace if row["trace_id"] == _SAME_TRACE else str(row["trace_id"])
        rows.append((trace, row))
    parents = {(trace, row["parent_id"]) for trace, row in rows if row["parent_id"]}
    service_of = {(trace, row["span_id"]): str(row["service"]) for trace, row in rows}
    return [_span(trace, row, service_of, (trace, row["span_id"]) in parents) for trace, row in rows]


def _span(trace: str, row: dict[str, Any], service_of: dict[tuple[str, str], str], calls: bool) -> Span:
    parent, service = row["parent_id"] or "", str(row["service"])
    inner = bool(parent) and service_of.get((trace, parent)) == service
    kind = (SpanKind.CLIENT if calls else SpanKind.INTERNAL) if inner else SpanKind.SERVER
    told = {**row, **row.get("attributes", {})}
    return Span(
        trace_id=_hex(trace, 32),
        span_id=_hex(str(row["span_id"]), 16),
        parent_id=_hex(str(parent), 16) if parent else "",
        service=service,
        name=row["name"],
        kind=kind,
        start=_at(row["start"]),
        duration_seconds=float(row["duration_ms"]) / 1000,
        error=row["status"] == "ERROR",
        message=str(row.get("error") or row.get("status_message") or ""),
        attributes={name: str(value) for name, value in told.items() if name in KEPT_ATTRIBUTES},
    )


def _dependencies(spans: Iterable[Span]) -> dict[str, tuple[str, ...]]:
    """Who calls whom, as the spans say."""
    listed = list(spans)
    service_of = {(span.trace_id, span.span_id): span.service for span in listed}
    found: dict[str, list[str]] = {}
    for span in listed:
        caller = service_of.get((span.trace_id, span.parent_id), "")
        if caller and caller != span.service and span.service not in found.setdefault(caller, []):
            found[caller].append(span.service)
    return {caller: tuple(callees) for caller, callees in found.items()}


def _traces(
    spans: list[Span], window_start: datetime, dependencies: dict[str, tuple[str, ...]]
) -> tuple[TraceFrame, ...]:
    frames = []
    for service in dict.fromkeys(span.service for span in spans):
        own = [span for span in spans if span.service == service]
        callees = dependencies.get(service, ())
        frames.append(
            TraceFrame(
                service=service,
                baseline=tuple(span for span in own if span.start < window_start),
                window=tuple(span for span in own if span.start >= window_start),
                others=tuple(span for span in spans if span.service in callees),
                names={},
                missing_baseline=0,
                missing_window=0,
                evidence=f"traces/{service}",
            )
        )
    return tuple(frames)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _hex(text: str, digits: int) -> str:
    """The id itself where it is one, else a hash of it."""
    if len(text) == digits and not text.strip("0123456789abcdef"):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
