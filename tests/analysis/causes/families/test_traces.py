"""The four families that read spans: each names what was put in, and is silent about everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from analysis.causes.families import calls, edges, operations, patterns
from analysis.causes.families.began import work
from analysis.causes.families.reading import Mark, Reader
from analysis.causes.fusion import fuse
from analysis.causes.ranking import rank
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from analysis.view import LogFrame, SystemView, TraceFrame
from core.frames import LogLine
from core.models import FaultKind, Window
from core.traces import Span
from tests.analysis.traces.spanning import Tracer, window

CONFIG = AnalysisConfig(window_seconds=60, baseline_seconds=300, step_seconds=5)
READERS: tuple[Reader, ...] = (operations.read, patterns.read, calls.read, edges.read)
REFERENCES = 5
REQUESTS = 20

Make = Callable[[Tracer, float], list[Span]]
"""Spans of one request that begins at a time."""


def usual(tracer: Tracer, at: float) -> list[Span]:
    """The shop asks for stock and prices, the till for prices."""
    return [*tracer.request("shop", at, ["stock", "price"]), *tracer.request("till", at, ["price"])]


def view(make: Make, *, kinds: bool = True, texts: Callable[[Span], Sequence[str]] = lambda _: ()) -> SystemView:
    """Five usual minutes, then one as `make` makes it; `texts` are the lines that a span wrote."""
    tracer = Tracer(kinds=kinds)
    step = 60.0 / REQUESTS
    before = [usual(tracer, (index * REQUESTS + i) * step) for index in range(-REFERENCES, 0) for i in range(REQUESTS)]
    now = [make(tracer, i * step) for i in range(REQUESTS)]
    old, new = ([span for spans in part for span in spans] for part in (before, now))
    services = dict.fromkeys(span.service for span in (*old, *new))
    return SystemView(
        symptom="",
        window=window(0),
        baseline=Window(start=window(-REFERENCES).start, end=window(0).start),
        signals=(),
        logs=tuple(
            LogFrame(name, lines, f"log-{name}") for name in services if (lines := _lines(name, old, new, texts))
        ),
        states=(),
        changes=(),
        dependencies={"shop": ("stock", "price"), "till": ("price",)},
        topology_evidence="topology",
        alert_evidence="",
        traces=tuple(TraceFrame(name, _of(name, old), _of(name, new), (), {}, 0, 0, f"ev-{name}") for name in services),
    )


def _of(service: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.service == service)


def _lines(
    service: str, old: Sequence[Span], new: Sequence[Span], texts: Callable[[Span], Sequence[str]]
) -> tuple[LogLine, ...]:
    return tuple(
        LogLine(at=span.start, service=service, text=text, trace_id=span.trace_id, span_id=span.span_id)
        for span in (*old, *new)
        if span.service == service
        for text in texts(span)
    )


def marked(reader: Reader, seen: SystemView) -> list[Mark]:
    marks = reader(seen, Topology(seen.dependencies), CONFIG).marks
    return sorted(marks, key=lambda mark: -mark.score)


@pytest.mark.parametrize("kinds", [True, False])
@pytest.mark.parametrize("reader", READERS)
def test_a_family_is_silent_when_nothing_changed_and_without_spans(reader: Reader, kinds: bool) -> None:
    assert marked(reader, view(usual, kinds=kinds, texts=lambda span: [f"handled {span.name}"])) == []
    assert marked(reader, view(lambda tracer, at: [], kinds=kinds)) == []


@pytest.mark.parametrize("kinds", [True, False])
def test_a_slow_way_to_a_service_names_it_and_the_edge(kinds: bool) -> None:
    def delayed(tracer: Tracer, at: float) -> list[Span]:
        return [*tracer.request("shop", at, ["stock"], gap=0.5), *tracer.request("till", at, ["price"])]

    (first, *_) = marked(edges.read, view(delayed, kinds=kinds))
    assert (first.service, first.kind, first.component) == ("stock", FaultKind.NETWORK_DELAY, "shop -> stock")
    assert set(first.evidence) == {"ev-shop", "ev-stock"}


def test_slow_ways_out_of_one_service_name_that_service() -> None:
    def delayed(tracer: Tracer, at: float) -> list[Span]:
        return [*tracer.request("shop", at, ["stock", "price"], gap=0.5), *tracer.request("till", at, ["price"])]

    assert marked(edges.read, view(delayed))[0].service == "shop"


def test_a_slow_way_between_two_healthy_services_is_the_diagnosis() -> None:
    def delayed(tracer: Tracer, at: float) -> list[Span]:
        return [*tracer.request("shop", at, ["stock"], gap=0.5), *tracer.request("till", at, ["price"])]

    diagnosis = rank(view(delayed), (), CONFIG)
    assert diagnosis.first is not None
    assert (diagnosis.first.service, diagnosis.first.kind) == ("stock", FaultKind.NETWORK_DELAY)
    assert diagnosis.first.component == "shop -> stock"


def test_a_service_that_is_slow_itself_is_told_from_the_way_to_it() -> None:
    def slow(tracer: Tracer, at: float) -> list[Span]:
        spans = usual(tracer, at)
        late = {"duration_seconds": 0.5}
        return [
            span.model_copy(update=late) if span.service == "stock" or span.name == "HTTP GET" else span
            for span in spans
        ]

    seen = view(slow)
    first = marked(operations.read, seen)[0]
    assert (first.service, first.component, first.own) == ("stock", "/stock", True)
    assert all(mark.service != "stock" for mark in marked(edges.read, seen))


def test_requests_that_fail_because_of_a_callee_are_not_held_against_the_caller() -> None:
    def failing(tracer: Tracer, at: float) -> list[Span]:
        bad = {"error": True}
        return [
            span.model_copy(update=bad) if span.service in ("shop", "stock") and span.name != "/price" else span
            for span in usual(tracer, at)
        ]

    assert [mark.service for mark in marked(operations.read, view(failing))] == ["stock"]


def test_a_child_call_that_is_not_made_any_more_is_seen() -> None:
    def short(tracer: Tracer, at: float) -> list[Span]:
        return [*tracer.request("shop", at, ["stock"]), *tracer.request("till", at, ["price"])]

    first = marked(calls.read, view(short))[0]
    assert (first.service, first.component) == ("shop", "/shop")
    assert "stock" in first.statement


def test_a_line_that_comes_instead_of_another_names_its_service_and_operation() -> None:
    def text(span: Span) -> list[str]:
        if span.service != "stock":
            return []
        return ["looking up", "no such item" if span.start >= window(0).start else "item found"]

    seen = view(usual, texts=text)
    (mark,) = marked(patterns.read, seen)
    assert (mark.service, mark.component, mark.evidence) == ("stock", "/stock", ("log-stock", "ev-stock"))
    assert mark.onset is not None
    assert 0 <= (mark.onset - window(0).start).total_seconds() < 1
    assert marked(calls.read, seen) == []
    assert [one.service for one in fuse([patterns.read(seen, Topology({}), CONFIG)])] == ["stock"]


def test_where_lines_tell_what_an_operation_did_calls_do_not_tell_it_again() -> None:
    def short(tracer: Tracer, at: float) -> list[Span]:
        return [*tracer.request("shop", at, ["stock"]), *tracer.request("till", at, ["price"])]

    seen = view(short, texts=lambda span: [f"handled {span.name}"] if span.service == "shop" else [])
    assert marked(calls.read, seen) == []


LATE = 0.5
"""Share of the window that is over when the fault begins."""


def late(broken: Make) -> Make:
    """Usual requests at first, broken ones at the end of the window."""
    return lambda tracer, at: broken(tracer, at) if at >= LATE * 60 else usual(tracer, at)


def seconds_since_fault(mark: Mark) -> float:
    assert mark.onset is not None
    return (mark.onset - window(0).start).total_seconds() - LATE * 60


def test_a_line_that_came_late_is_told_since_then_and_not_thinned_out() -> None:
    def text(span: Span) -> list[str]:
        broken = span.start >= window(0).start and (span.start - window(0).start).total_seconds() >= LATE * 60
        return (["looking up", "no such item" if broken else "item found"]) if span.service == "stock" else []

    (mark,) = marked(patterns.read, view(usual, texts=text))
    assert "10 of 10 times" in mark.statement
    assert 0 <= seconds_since_fault(mark) < 1


def test_requests_that_fail_late_are_told_since_then() -> None:
    def failing(tracer: Tracer, at: float) -> list[Span]:
        bad = {"error": True}
        return [span.model_copy(update=bad) if span.service == "stock" else span for span in usual(tracer, at)]

    (mark,) = marked(operations.read, view(late(failing)))
    assert "10 of 10 requests fail" in mark.statement
    assert 0 <= seconds_since_fault(mark) < 1


def test_a_way_that_slowed_within_the_window_is_told_since_then() -> None:
    def slowed(tracer: Tracer, at: float) -> list[Span]:
        if at < 20:
            return usual(tracer, at)
        return [*tracer.request("shop", at, ["stock"], gap=0.5), *tracer.request("till", at, ["price"])]

    first = marked(edges.read, view(slowed))[0]
    assert first.service == "stock"
    assert first.onset is not None
    assert 20 <= (first.onset - window(0).start).total_seconds() < 25


def test_one_view_is_read_anew_under_another_configuration() -> None:
    def delayed(tracer: Tracer, at: float) -> list[Span]:
        return [*tracer.request("shop", at, ["stock"], gap=0.5), *tracer.request("till", at, ["price"])]

    seen = view(delayed)
    assert work(seen, CONFIG) is work(seen, CONFIG)
    assert work(seen, CONFIG.model_copy(update={"robust_z": 50.0})) is not work(seen, CONFIG)
