"""Edges from spans: who really answered, whatever the caller calls it, and nothing unusable from strangers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.traces import Span, SpanKind
from tests.tools.world import NOON, called, span
from tools.edges import MAX_EDGES, Edge, edges_of


def client(service: str, number: int, **attributes: str) -> Span:
    return span(service, number, NOON, 0.1, kind=SpanKind.CLIENT, attributes=attributes)


def test_an_answered_call_is_an_edge_between_those_who_sent_the_spans() -> None:
    spans = [
        each for n in range(3) for each in called("web", "10.0.0.7", n, NOON + timedelta(seconds=n), wait=1, work=1)
    ]
    renamed = [
        each.model_copy(update={"service": "pay"}) if each.service == "10.0.0.7" else each for each in spans
    ]  # the caller knows an address only
    assert edges_of(renamed) == (Edge("web", "pay", "", 3, NOON + timedelta(seconds=2, milliseconds=6)),)


def test_a_caller_without_client_spans_is_known_by_its_own_span() -> None:
    outer = span("web", 1, NOON, 1.0)
    inner = span("pay", 1, NOON, 0.5, span_id="f" * 16, parent_id=outer.span_id)
    assert [(edge.caller, edge.callee) for edge in edges_of([outer, inner])] == [("web", "pay")]


def test_an_unanswered_call_goes_to_whom_the_caller_names() -> None:
    spans = [
        client("web", 1, **{"server.address": "db.internal", "server.port": "5432"}),
        client("web", 2, **{"peer.service": "ledger", "server.address": "10.0.0.9", "server.port": "1"}),
        client("web", 3),
    ]
    assert [(edge.callee, edge.address) for edge in edges_of(spans)] == [
        ("db.internal", "db.internal:5432"),
        ("ledger", ""),
    ]


def test_a_failed_call_counts_for_the_service_that_answered_at_that_address_before() -> None:
    place = {"server.address": "127.0.0.1", "server.port": "9001"}
    answered = client("web", 1, **place)
    answer = span("cache", 1, NOON, 0.1, span_id="f" * 16, parent_id=answered.span_id)
    (edge,) = edges_of([answered, answer, client("web", 2, **place), client("web", 3, **place)])
    assert (edge.callee, edge.address, edge.calls) == ("cache", "", 3)


def test_an_address_where_two_answer_stands_for_neither() -> None:
    place = {"server.address": "lb", "server.port": "80"}
    spans = [client("web", number, **place) for number in range(3)]
    spans += [
        span(name, number, NOON, 0.1, span_id="f" * 16, parent_id=spans[number].span_id)
        for number, name in enumerate(["a", "b"])
    ]
    assert {(edge.callee, edge.address) for edge in edges_of(spans)} == {("a", ""), ("b", ""), ("lb", "lb:80")}


def test_names_that_nobody_can_use_and_floods_of_them_are_left_out() -> None:
    bad = [client("web", n, **{"peer.service": name}) for n, name in enumerate(["x" * 300, "a\x1b[2J", "a\nb", "web"])]
    assert edges_of(bad) == ()
    flood = [client("web", n, **{"peer.service": f"s{n}"}) for n in range(MAX_EDGES + 500)]
    real = [client("web", 90_000 + n, **{"peer.service": "real"}) for n in range(2)]
    edges = edges_of(flood + real)
    assert len(edges) == MAX_EDGES
    assert "real" in {edge.callee for edge in edges}


@st.composite
def some_spans(draw: st.DrawFn) -> list[Span]:
    """Spans of few ids, so that they meet in every way."""
    few = st.integers(1, 4)
    made: list[Span] = []
    for _ in range(draw(st.integers(0, 12))):
        fields: dict[str, Any] = {
            "span_id": f"{draw(few):016x}",
            "parent_id": f"{draw(few):016x}",
            "kind": draw(st.sampled_from(list(SpanKind))),
            "attributes": {"server.address": draw(st.sampled_from(["a", "b", "h"])), "server.port": "1"},
        }
        made.append(span(draw(st.sampled_from(["a", "b", "c"])), 0, NOON, 1.0, **fields))
    return made


@given(some_spans())
def test_no_service_calls_itself_and_every_edge_was_seen(spans: list[Span]) -> None:
    senders = {each.service for each in spans}
    for edge in edges_of(spans):
        assert edge.caller != edge.callee
        assert edge.caller in senders
        assert edge.calls > 0
