"""Nezha: faults in TrainTicket, with metrics, log lines and spans for three minutes each.

Source: Yu et al., "Nezha: Interpretable Fine-Grained Root Causes Analysis for Microservices on Multi-modal
Observability Data" (FSE 2023), https://github.com/IntelligentDDS/Nezha. There is no alert. What is usual is taken from
earlier minutes of the same day, most of them with other faults (variant `given` and those after it), or from the day's
fault-free minute alone (`fault_free`), which is moved to right before the window where it was recorded later. No record
of a later case is ever seen. Where the onset is not given (`estimated`, `ten_minutes`) the window begins well before
it, as production's does, and the analysis has to find it; what the diagnosis says of it is scored, too.
"""

from __future__ import annotations

import gc
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from analysis.config import AnalysisConfig
from analysis.view import LogFrame, SystemView, TraceFrame
from bench.rca.case import Outcome, RcaCase, Truth
from bench.rca.nezha_data import Day, Minute, between, read_day, service_of
from bench.rca.nezha_peers import cpu_peer, error_log_peer, published_peer
from bench.rca.scoring import by_variant, credit, mean, scored, services
from bench.result import Case, Figure, Peer, figure
from core.frames import LogLine
from core.models import Window
from core.traces import Span
from tools.edges import edges_of

T = TypeVar("T", Span, LogLine)

STEP_SECONDS = 60.0
RECORD_SECONDS = 180.0
CONFIG = AnalysisConfig(
    window_seconds=RECORD_SECONDS, baseline_seconds=86400.0, step_seconds=STEP_SECONDS, min_unusual_samples=1
)
"""One sample a minute: a window holds two or three, so one of them may be unusual by itself."""

MOVED = timedelta(seconds=60)
WIDE = {
    "estimated": timedelta(seconds=RECORD_SECONDS + STEP_SECONDS),
    "ten_minutes": timedelta(seconds=600),
}
"""By variant, how long before its end the window begins. All that was recorded of a case, as a file holds the minute
before its name; or ten minutes, which in some cases hold the end of another fault."""

NEAR_SECONDS = 60.0
MAX_REFERENCES = 12
"""Minutes before the case that count as usual: four earlier cases, or three and the fault-free minute."""
FAULT_FREE = "fault_free"
TARGETS = {"given": {1: (0.75, 0.92), 3: (0.88, 1.0)}, FAULT_FREE: {1: (0.60, 0.80), 3: (0.78, 0.95)}}
"""By variant and k: floor and aim."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `cases.json`."""

    day: str
    onset: datetime
    pod: str
    fault: str
    minutes: tuple[str, ...]

    @property
    def ends_at(self) -> datetime:
        """When the last of its minutes is over."""
        last = datetime.strptime(f"{self.day} {self.minutes[-1]} +0000", "%Y-%m-%d %H_%M %z")
        return last + timedelta(seconds=STEP_SECONDS)


def cases(folder: Path) -> list[RcaCase]:
    """Every entry of `cases.json`."""
    entries = [_entry(each) for each in json.loads((folder / "cases.json").read_text())]
    day_of = cache(partial(_day, folder))
    found = []
    for entry in entries:
        views = {
            variant: partial(_view, entry, day_of, since, fault_free=fault_free)
            for variant, since, fault_free in _variants(entry)
        }
        found.append(
            RcaCase(
                system="nezha",
                name=f"{entry.onset:%Y-%m-%d %H:%M:%S}",
                group=entry.fault,
                views=views,
                config=CONFIG,
                truth=partial(Truth, service_of(entry.pod), labels={"onset": entry.onset.isoformat()}),
            )
        )
    return found


def score(outcomes: Sequence[Outcome]) -> tuple[list[Figure], list[Case]]:
    """AS@k by service for every variant; by fault kind where there is a target."""
    figures = []
    for variant, group in by_variant(outcomes).items():
        targets = TARGETS.get(variant, {})
        suffix = "" if variant == "given" else f".{variant}"
        for k in (1, 3):
            floor, aim = targets.get(k, (None, None))
            figures.append(_figure(f"nezha.as_at_{k}{suffix}", group, k, floor=floor, aim=aim))
        for kind in sorted({one.case.group for one in group}) if targets else ():
            members = [one for one in group if one.case.group == kind]
            figures += [_figure(f"nezha.as_at_{k}{suffix}.{kind}", members, k) for k in (1, 3)]
        figures += _onsets(suffix, group) if variant.split(".")[-1] in WIDE else []
    return figures, [scored(one) for one in outcomes]


def peers(given: Sequence[RcaCase]) -> list[Peer]:
    """CPU alone, error lines alone, and what Nezha's authors report."""
    return [cpu_peer(given), error_log_peer(given), published_peer()]


def _figure(
    name: str, outcomes: Sequence[Outcome], k: int, *, floor: float | None = None, aim: float | None = None
) -> Figure:
    value = mean([credit(services(one), one.case.truth().service, k) for one in outcomes])
    silent = sum(1 for one in outcomes if one.diagnosis.first is None)
    note = f"{len(outcomes)} cases" + (f", {silent} abstained" if silent else "")
    return figure(name, value, "share", floor=floor, aim=aim, note=note)


def _onsets(suffix: str, outcomes: Sequence[Outcome]) -> list[Figure]:
    """How far from the label a diagnosis puts the onset, and how often it is near; without one it is not."""
    labelled = [(one.diagnosis.first, datetime.fromisoformat(one.case.truth().labels["onset"])) for one in outcomes]
    errors = [abs((first.onset - at).total_seconds()) for first, at in labelled if first and first.onset]
    note = f"{len(errors)} of {len(outcomes)} cases have one"
    near = sum(error <= NEAR_SECONDS for error in errors) / len(outcomes)
    return [
        figure(f"nezha.onset_error{suffix}", median(errors) if errors else None, "s", lower_is_better=True, note=note),
        figure(f"nezha.onset_near{suffix}", near, "share", note=f"within {NEAR_SECONDS:g} s, of all cases"),
    ]


def _day(folder: Path, name: str) -> Day:
    """Read a day and keep it out of the garbage collector's way, which else walks it again and again."""
    day = read_day(folder / name)
    gc.freeze()
    return day


def _entry(raw: Mapping[str, Any]) -> Entry:
    onset = datetime.strptime(raw["inject_time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return Entry(raw["day"], onset, raw["pod"], raw["fault"], tuple(raw["minutes"]))


def _variants(entry: Entry) -> Iterable[tuple[str, datetime, bool]]:
    """Name, begin of the window, and whether the fault-free minute alone is the reference."""
    begins = {
        "given": entry.onset,
        **{name: entry.ends_at - length for name, length in WIDE.items()},
        "earlier": entry.onset - MOVED,
        "later": entry.onset + MOVED,
    }
    for name, since in begins.items():
        yield name, since, False
    for name, since in begins.items():
        yield FAULT_FREE if name == "given" else f"{FAULT_FREE}.{name}", since, True


def _view(entry: Entry, day_of: Callable[[str], Day], since: datetime, *, fault_free: bool) -> SystemView:
    day = day_of(entry.day)
    window = Window(start=since, end=entry.ends_at)
    own = _own(entry, day, window)
    spans, lines = between(own, window)
    if fault_free:
        references, before_spans, before_lines = _moved(day, window)
    else:
        references = _earlier(own, day, window)
        before_spans, before_lines = _records(day, references)
    frames = _trace_frames(before_spans, spans)
    logs = _by_service([*before_lines, *lines])
    return SystemView(
        symptom="",
        window=window,
        baseline=Window(start=min([day.starts_at, window.start, *(one.start for one in references)]), end=window.start),
        signals=day.signals,
        logs=tuple(LogFrame(name, tuple(of_service), f"log/{name}") for name, of_service in logs.items()),
        states=(),
        changes=(),
        dependencies=_dependencies([*before_spans, *spans]),
        topology_evidence="topology",
        alert_evidence="",
        traces=frames,
        references=references,
    )


def _own(entry: Entry, day: Day, window: Window) -> list[Minute]:
    """The case's minutes, and what else was recorded in the window."""
    within = [
        name
        for name, one in day.minutes.items()
        if name not in day.fault_free and one.window.start < window.end and one.window.end > window.start
    ]
    return [day.minutes[name] for name in dict.fromkeys([*entry.minutes, *within]) if name in day.minutes]


def _earlier(own: Sequence[Minute], day: Day, window: Window) -> tuple[Window, ...]:
    """The minutes before the case's own; where there are none, what its own hold before the window."""
    begun = min([one.window.start for one in own] + [window.start])
    earlier = sorted(
        (minute.window for minute in day.minutes.values() if minute.window.end < begun), key=lambda one: one.start
    )
    if earlier:
        return tuple(earlier[-MAX_REFERENCES:])
    return (Window(start=begun, end=window.start),) if begun < window.start else ()


def _records(day: Day, references: Sequence[Window]) -> tuple[list[Span], list[LogLine]]:
    spans: list[Span] = []
    lines: list[LogLine] = []
    for reference in references:
        some_spans, some_lines = between(day.minutes.values(), reference)
        spans += some_spans
        lines += some_lines
    return spans, lines


def _moved(day: Day, window: Window) -> tuple[tuple[Window, ...], list[Span], list[LogLine]]:
    """The fault-free minutes; those that did not end before the window are moved to end a second before it."""
    references = []
    spans: list[Span] = []
    lines: list[LogLine] = []
    for name in day.fault_free:
        minute = day.minutes[name]
        shift = min(timedelta(), window.start - timedelta(seconds=1) - minute.window.end)
        references.append(Window(start=minute.window.start + shift, end=minute.window.end + shift))
        spans += [span.model_copy(update={"start": span.start + shift}) for span in minute.spans]
        lines += [line.model_copy(update={"at": line.at + shift}) for line in minute.lines]
    return tuple(references), spans, lines


def _trace_frames(before: Sequence[Span], now: Sequence[Span]) -> tuple[TraceFrame, ...]:
    old, new = _by_service(before), _by_service(now)
    return tuple(
        TraceFrame(name, tuple(old.get(name, ())), tuple(new.get(name, ())), (), {}, 0, 0, f"spans/{name}")
        for name in dict.fromkeys([*old, *new])
    )


def _by_service(records: Iterable[T]) -> dict[str, list[T]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for record in records:
        found[record.service].append(record)
    return found


def _dependencies(spans: Sequence[Span]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for edge in edges_of(spans):
        found[edge.caller].append(edge.callee)
    return {caller: tuple(callees) for caller, callees in found.items()}
