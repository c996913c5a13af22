"""Templates now against several earlier windows, by operation."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.comparison import (
    MAX_TEMPLATE_CHARACTERS,
    Operations,
    TemplateChange,
    compare,
    compare_service,
    operations,
)
from analysis.logs.miner import OVERFLOW
from analysis.references import reference_windows
from core.frames import LogLine
from core.models import Severity, Window
from core.models.logs import LogCategory, LogChange
from core.traces import Span
from tests.analysis.logs.lines import line
from tests.analysis.logs.test_stacks import PYTHON
from tests.analysis.shop import BASELINE, CONFIG, END, WINDOW

REFERENCES = reference_windows(WINDOW, BASELINE)


def found(lines: list[LogLine], ran: Operations | None = None) -> dict[tuple[str, str], TemplateChange]:
    return {(one.operation, one.template): one for one in compare(lines, WINDOW, REFERENCES, CONFIG, ran)}


def span(name: str, number: int, seconds_ago: float) -> Span:
    start = END - timedelta(seconds=seconds_ago)
    return Span(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        service="cart",
        name=name,
        start=start,
        duration_seconds=0.1,
    )


def test_the_baseline_is_cut_into_windows_of_the_same_length() -> None:
    assert [one.seconds for one in REFERENCES] == [7, 7]
    assert REFERENCES[-1].end == BASELINE.end == WINDOW.start
    assert reference_windows(BASELINE, WINDOW) == (WINDOW,)
    assert reference_windows(WINDOW, Window(start=END, end=END)) == ()


def test_new_more_steady_less_and_vanished_templates() -> None:
    lines = [line(f"failed {n}", 2.0) for n in range(4)]
    lines += [line(f"served {n}", n / 2) for n in range(44)]
    lines += [line(f"cached {n}", 8 + n % 14) for n in range(40)]
    lines += [line(f"sent {n}", 8 + n % 14) for n in range(40)] + [line("sent 7", 1.0)]
    lines += [line(f"retrying {n}", 8 + n % 14) for n in range(14)] + [line("retrying 1", 1.0)] * 30
    changes = {template: one.change for (_, template), one in found(lines).items()}
    assert changes == {
        "failed <*>": LogChange.NEW,
        "served <*>": LogChange.STEADY,
        "cached <*>": LogChange.VANISHED,
        "sent <*>": LogChange.LESS,
        "retrying <*>": LogChange.MORE,
    }


def test_counts_rates_examples_and_the_worst_first() -> None:
    lines = [line(f"served {n}", n / 2) for n in range(44)] + [line(f"failed {n}", 2.0 - n / 10) for n in range(4)]
    failed, served = compare(lines, WINDOW, REFERENCES, CONFIG)
    assert (failed.template, failed.before, failed.now, failed.surprise) == ("failed <*>", 0, 4, 4)
    assert failed.first_at == END - timedelta(seconds=2)
    assert failed.examples == ("failed 0", "failed 1", "failed 2")
    assert (served.now, served.before) == (15, 28)
    assert served.rate_now == pytest.approx(15 / 7)
    assert served.rate_before == 2
    assert served.category is LogCategory.REQUEST


def test_one_bad_reference_does_not_hide_a_change() -> None:
    references = reference_windows(WINDOW, Window(start=WINDOW.start - timedelta(seconds=35), end=WINDOW.start))
    lines = [line("failed", 10.0)] * 50 + [line("failed", 1.0)] * 10 + [line("ok", 7.5 + n) for n in range(34)]
    failed = compare(lines, WINDOW, references, CONFIG)[0]
    assert (failed.template, failed.change, failed.expected) == ("failed", LogChange.MORE, 0.0)


def test_a_reference_in_which_the_service_was_silent_says_nothing() -> None:
    lines = [line(f"served {n}", 8.0) for n in range(20)] + [line(f"served {n}", 1.0) for n in range(20)]
    (served,) = compare(lines, WINDOW, REFERENCES, CONFIG)
    assert (served.expected, served.change) == (20, LogChange.STEADY)


def test_lines_are_compared_per_execution_of_their_operation() -> None:
    spans = [span("pay", n, 8 + n % 14) for n in range(14)] + [span("pay", 100 + n, 1.0) for n in range(70)]
    spans += [span("list", 300 + n, 8 + n % 14) for n in range(14)] + [span("list", 400 + n, 1.0) for n in range(7)]
    lines = [line("charged", 8 + n % 14, span_id=one.span_id) for n, one in enumerate(spans[:14])]
    lines += [line("charged", 1.0, span_id=one.span_id) for one in spans[14:84]]
    lines += [line("charged", 1.0, span_id=one.span_id) for one in spans[-7:]]
    changes = found(lines, operations(spans, WINDOW, REFERENCES))
    assert changes["pay", "charged"].change is LogChange.STEADY
    assert changes["pay", "charged"].expected == 70
    assert changes["list", "charged"].change is LogChange.NEW


def test_a_service_is_told_as_a_whole_and_names_the_operation_that_changed() -> None:
    spans = [span(name, n + shift, 8 + n % 14) for name, shift in (("pay", 0), ("list", 50)) for n in range(14)]
    spans += [span(name, n + shift, 1.0) for name, shift in (("pay", 100), ("list", 150)) for n in range(14)]
    lines = [line("slow", 8 + n % 14, span_id=one.span_id) for n, one in enumerate(spans[:14])]
    lines += [line("slow", 1.0, span_id=one.span_id) for one in spans[28:42] for _ in range(4)]
    lines += [line("slow", 1.0, span_id=one.span_id) for one in spans[42:44]]
    ran = operations(spans, WINDOW, REFERENCES)
    (change,) = compare_service(lines, WINDOW, REFERENCES, CONFIG, ran)
    assert (change.operation, change.now, change.before, change.change) == ("pay", 58, 14, LogChange.MORE)
    (alone,) = compare_service(lines, WINDOW, REFERENCES, CONFIG)
    assert alone == replace(change, operation="")


def test_no_operation_is_named_where_lines_follow_executions() -> None:
    spans = [span("pay", n, 8 + n % 14) for n in range(14)] + [span("pay", 100 + n, 1.0) for n in range(70)]
    lines = [line("slow", 8 + n % 14, span_id=one.span_id) for n, one in enumerate(spans[:14])]
    lines += [line("slow", 1.0, span_id=one.span_id) for one in spans[14:]]
    (change,) = compare_service(lines, WINDOW, REFERENCES, CONFIG, operations(spans, WINDOW, REFERENCES))
    assert (change.operation, change.change) == ("", LogChange.MORE)


def test_an_operation_that_did_not_run_before_has_no_reference() -> None:
    spans = [span("new", n, 1.0) for n in range(5)]
    ran = operations(spans, WINDOW, REFERENCES)
    assert ran.executions == {"new": (5, 0, 0)}
    (change,) = compare([line("hello", 1.0, span_id=one.span_id) for one in spans], WINDOW, REFERENCES, CONFIG, ran)
    assert (change.expected, change.now) == (0, 5)


def test_severity_of_the_source_then_the_level_then_words() -> None:
    lines = [line("error", severity=Severity.INFO), line('{"level": "warn", "msg": "error"}'), line("error")]
    assert [one.severity for one in compare(lines, WINDOW, REFERENCES, CONFIG)] == [
        Severity.CRITICAL,
        Severity.WARNING,
        Severity.INFO,
    ]


def test_a_stack_trace_counts_once() -> None:
    lines = [line(text, ago) for ago in (3.0, 2.0, 1.0) for text in PYTHON.replace("'shoe'", f"'{ago}'").splitlines()]
    (change,) = compare(lines, WINDOW, REFERENCES, CONFIG)
    assert (change.template, change.now, change.change) == ("KeyError at price < total < handle", 3, LogChange.NEW)
    assert change.example.startswith("Traceback")


def test_lines_outside_all_windows_are_ignored() -> None:
    assert compare([line("late", -1.0), line("old", 23.0)], WINDOW, REFERENCES, CONFIG) == ()


def test_templates_beyond_the_limit_share_a_row() -> None:
    config = CONFIG.model_copy(update={"max_log_templates": 10})
    draw = random.Random(3)
    lines = [line("".join(draw.choices("abcdefghij", k=12))) for _ in range(1000)]
    changes = compare(lines, WINDOW, REFERENCES, config)
    assert len(changes) <= 11
    assert sum(one.now for one in changes) == 1000
    assert next(one.now for one in changes if one.template == OVERFLOW) >= 990


@given(texts=st.lists(st.text(max_size=400), max_size=20))
def test_any_lines_have_bounded_templates_and_none_is_lost(texts: list[str]) -> None:
    changes = compare([line(text, severity=Severity.INFO) for text in texts], WINDOW, REFERENCES, CONFIG)
    assert sum(one.now for one in changes) <= len(texts)
    assert all(len(one.template) <= MAX_TEMPLATE_CHARACTERS for one in changes)
    assert all(len(text) <= 300 for one in changes for text in one.examples)
