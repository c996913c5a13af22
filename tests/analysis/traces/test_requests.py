"""Requests from spans: by structure where kinds are left out, and whatever is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.traces.requests import requests
from analysis.traces.spans import UNKNOWN
from analysis.view import TraceFrame
from core.traces import Span, SpanKind
from tests.analysis.traces.spanning import NOON, Tracer


def frames(spans: list[Span], names: dict[str, str] | None = None) -> list[TraceFrame]:
    """All spans as those of one window."""
    services = dict.fromkeys(span.service for span in spans)
    return [
        TraceFrame(name, (), tuple(span for span in spans if span.service == name), (), names or {}, 0, 0, f"ev-{name}")
        for name in services
    ]


@pytest.mark.parametrize("kinds", [True, False])
def test_a_request_knows_its_calls_its_own_time_and_the_gaps(kinds: bool) -> None:
    spans = Tracer(kinds=kinds).request("shop", 0.0, ["stock", "cart"], own=0.1, gap=0.02)
    shop, stock, cart = requests(frames(spans)).all
    assert [(call.callee, call.operation) for call in shop.calls] == [("stock", "/stock"), ("cart", "/cart")]
    assert shop.self_seconds == pytest.approx(0.1, abs=1e-5)
    assert [call.gap_seconds for call in shop.calls] == pytest.approx([0.02, 0.02])
    assert (stock.service, stock.calls, cart.operation) == ("stock", (), "/cart")


def test_a_call_that_nobody_answered_is_known_by_what_others_of_its_name_do() -> None:
    tracer = Tracer(kinds=False)
    answered = tracer.request("shop", 0.0, ["stock"])
    cut = tracer.request("shop", 1.0, ["stock"])[:2]
    inner = tracer.span("shop", "render", SpanKind.INTERNAL, 1.001, 0.001, cut[0])
    _, _, second = requests(frames([*answered, *cut, inner])).all
    assert [(call.callee, call.operation, call.gap_seconds) for call in second.calls] == [(UNKNOWN, "HTTP GET", None)]


def test_spans_whose_way_up_was_left_out_belong_to_no_request() -> None:
    tracer = Tracer()
    whole = tracer.request("shop", 0.0, ["stock"])
    found = requests(frames(whole[1:]))
    assert [each.service for each in found.all] == ["stock"]
    assert (whole[1].trace_id, whole[1].span_id) not in found.of_span


def test_services_are_called_as_the_inventory_does() -> None:
    spans = Tracer().request("shop", 0.0, ["stock"])
    shop, _ = requests(frames(spans, {"stock": "warehouse"})).all
    assert shop.calls[0].callee == "warehouse"


def test_a_failed_call_excuses_its_caller() -> None:
    tracer = Tracer()
    spans = tracer.request("shop", 0.0, ["stock"], error=True)
    failed = [*spans[:2], spans[2].model_copy(update={"error": True})]
    shop, stock = requests(frames(failed)).all
    assert (shop.failed_itself, stock.failed_itself) == (False, True)
    assert requests(frames(spans)).all[0].failed_itself


_ANY = st.builds(
    lambda number, parent, service, kind, seconds: Span(
        trace_id=f"{1:032x}",
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        service=service,
        kind=kind,
        start=NOON,
        duration_seconds=seconds,
    ),
    st.integers(1, 8),
    st.integers(0, 8),
    st.sampled_from("ab"),
    st.sampled_from(list(SpanKind)),
    st.floats(0, 1e9),
)


@given(spans=st.lists(_ANY, max_size=20))
def test_whatever_is_sent_each_span_is_in_one_request_at_most(spans: list[Span]) -> None:
    found = requests(frames(spans))
    assert all(0 <= index < len(found.all) for index in found.of_span.values())
    assert all(0 <= each.self_seconds <= each.span.duration_seconds for each in found.all)
    assert {(each.span.trace_id, each.span.span_id) for each in found.all} <= set(found.of_span)
