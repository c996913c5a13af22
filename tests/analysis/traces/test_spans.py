"""Operations and calls from spans: right numbers from honest ones, bounded ones from any."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.traces.spans import UNKNOWN, Load, answers, calls, compared, operations
from core.traces import Span, SpanKind

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def span(number: int, parent: int = 0, *, at: float = 0.0, seconds: float = 1.0, **fields: Any) -> Span:
    """A span of the service `a` in one common trace; ids are numbers."""
    plain = {"service": "a", "trace_id": f"{1:032x}", "kind": SpanKind.SERVER, "name": "op"}
    return Span(
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        start=NOON + timedelta(seconds=at),
        duration_seconds=seconds,
        **plain | fields,
    )


def call(number: int, parent: int = 0, **fields: Any) -> Span:
    return span(number, parent, **{"kind": SpanKind.CLIENT, "name": "call"} | fields)


def test_self_time_is_what_no_child_covers() -> None:
    spans = [
        span(1, seconds=10),
        call(2, 1, at=1, seconds=2),
        call(3, 1, at=2, seconds=3),  # overlaps: 1 to 5 is covered once
        call(4, 1, at=9, seconds=50),  # outlasts its parent: counts until 10
        call(5, 4, at=9, seconds=1),  # a grandchild is its parent's business
        call(6, 6, at=0, seconds=10),  # nobody is its own child
    ]
    (load,) = operations(spans, 60).values()
    assert load.unexplained_seconds == pytest.approx(5.0)
    assert (load.count, load.per_second) == (1, 0.01667)


def test_what_was_asked_from_outside_is_an_operation_and_what_happens_inside_is_not() -> None:
    spans = [
        span(1, 77, name="served"),
        span(2, kind=SpanKind.INTERNAL, name="job"),
        span(3, 2, kind=SpanKind.INTERNAL, name="step"),
        span(4, 5, kind=SpanKind.CONSUMER, name="message"),
        call(5, 1),
    ]
    assert set(operations(spans, 1)) == {"served", "job", "message"}


def test_the_gap_is_what_the_caller_waited_longer_than_the_callee_worked() -> None:
    asked = [call(number, at=number, seconds=0.5, error=number == 1) for number in (1, 2)]
    answered = [
        span(10 + number, number, at=number + 3600, seconds=0.2, service="b-svc") for number in (1, 2)
    ]  # an hour off: clocks of machines differ
    assert calls(asked, answered, {"b-svc": "b"}, 10) == {"b": Load(2, 0.2, 0.5, 0.5, 0.3)}


def test_a_message_has_no_gap_and_a_stranger_is_called_as_its_caller_calls_it() -> None:
    sent = span(1, kind=SpanKind.PRODUCER, seconds=0.1)
    taken = span(2, 1, at=100, seconds=5, service="b", kind=SpanKind.CONSUMER)
    named = call(3, attributes={"peer.service": "db-svc"})
    found = calls([sent, named, call(4)], [taken], {"db-svc": "db"}, 1)
    assert {name: load.unexplained_seconds for name, load in found.items()} == {"b": None, "db": None, UNKNOWN: None}


def test_a_span_of_the_same_id_in_another_trace_answers_nothing() -> None:
    other = span(2, 1, service="b", trace_id=f"{2:032x}")
    assert set(calls([call(1)], [other], {}, 1)) == {UNKNOWN}


def test_new_errors_come_first_then_what_got_slower() -> None:
    def load(errors: float, p95: float) -> Load:
        return Load(10, 1.0, errors, p95, None)

    now = {"fine": load(0, 0.1), "slow": load(0, 0.9), "failing": load(0.5, 0.1), "always": load(0.9, 0.1)}
    before = {"fine": load(0, 0.1), "slow": load(0, 0.1), "always": load(0.9, 0.1), "gone": load(0, 0.1)}
    rows = compared(now, before)
    assert [row.name for row in rows] == ["failing", "slow", "always", "fine", "gone"]
    assert rows[-1].now is None
    assert rows[0].before is None


_IDS = st.integers(0, 6)
_SPANS = st.builds(
    span,
    st.integers(1, 6),
    _IDS,
    at=st.floats(-1e8, 1e8),
    seconds=st.floats(0, 1e12),
    kind=st.sampled_from(list(SpanKind)),
    service=st.sampled_from(["a", "b"]),
    name=st.text(max_size=3),
    error=st.booleans(),
)


@given(spans=st.lists(_SPANS, max_size=30))
def test_whatever_is_sent_the_figures_are_finite_and_no_request_is_lost(spans: list[Span]) -> None:
    own = [each for each in spans if each.service == "a"]
    others = [each for each in spans if each.service == "b"]
    called = calls(own, others, {}, 60)
    asked = operations(own, 60)
    answered = answers([*others, *own])
    assert sum(load.count for load in called.values()) == sum(
        each.kind in (SpanKind.CLIENT, SpanKind.PRODUCER) or (each.trace_id, each.span_id) in answered for each in own
    )
    for load in (*called.values(), *asked.values()):
        assert 0 <= load.errors <= 1
        assert load.p95_seconds >= 0
        assert load.unexplained_seconds is None or math.isfinite(load.unexplained_seconds)
    assert all(load.unexplained_seconds is None or load.unexplained_seconds >= 0 for load in asked.values())


def test_calls_are_known_by_structure_where_the_kind_is_left_out() -> None:
    plain = SpanKind.UNSPECIFIED
    own = [span(1, kind=plain, name="/orders"), span(2, 1, kind=plain, name="HTTP GET", seconds=3.0)]
    other = [span(3, 2, kind=plain, service="b", name="/stock", seconds=1.0)]
    (load,) = calls(own, other, {}, 60).values()
    assert (load.count, load.unexplained_seconds) == (1, 2.0)
    assert set(operations(other, 60)) == {"/stock"}
