"""Edges from the metrics of a service graph, and their place in the inventory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import numpy as np

from core.errors import SourceError, SourceUnavailable
from core.frames import Frame, Function, MetricQuery
from core.models import Service
from tests.tools.world import NOON
from tools.discovery import discover_live
from tools.service_graph import METRIC, STEP_SECONDS, graph_edges

HOUR_SECONDS = 3600.0


class Counted:
    """A metrics source that counts calls: client, server and the increase of each step."""

    def __init__(self, *rows: tuple[str, str, Sequence[float]]) -> None:
        self.rows = rows
        self.asked: list[MetricQuery] = []

    async def query(self, query: MetricQuery) -> Frame:
        self.asked.append(query)
        labels = tuple({"client": client, "server": server} for client, server, _ in self.rows)
        steps = len(self.rows[0][2]) if self.rows else 0
        values = np.array([row[2] for row in self.rows], dtype=np.float64).reshape(len(self.rows), steps)
        return Frame(query.window.start.timestamp(), query.step_seconds, labels, values)


class Away:
    async def query(self, query: MetricQuery) -> Frame:
        raise SourceUnavailable("nobody answers", fix="start it")


async def test_an_edge_has_its_calls_and_the_time_of_the_last() -> None:
    source = Counted(("web", "pay", [2.0, 3.0, 0.0]), ("web", "idle", [0.0, np.nan, 0.0]))
    (edge,) = await graph_edges(source, NOON, HOUR_SECONDS)
    assert (edge.caller, edge.callee, edge.calls) == ("web", "pay", 5)
    assert edge.last_at == NOON - timedelta(seconds=HOUR_SECONDS - STEP_SECONDS)
    (query,) = source.asked
    assert (query.metric, query.function, query.by) == (METRIC, Function.INCREASE, ("client", "server"))


async def test_outsiders_and_names_that_are_none_make_no_edge() -> None:
    rows = [("user", "web", [1.0]), ("", "web", [1.0]), ("web", "web", [1.0]), ("web", "a\nb", [1.0])]
    assert await graph_edges(Counted(*rows), NOON, HOUR_SECONDS) == ()
    assert await graph_edges(Counted(), NOON, HOUR_SECONDS) == ()


async def test_counted_calls_become_dependencies_with_their_age_and_configuration_wins() -> None:
    graph = partial(graph_edges, Counted(("web", "pay", [1.0]), ("shop", "pay", [1.0])), NOON, HOUR_SECONDS)
    configured = [Service(name="shop", dependencies=("stock",))]
    found = {service.name: service for service in await discover_live(configured, now=NOON, graph=graph)}
    last = (NOON - timedelta(seconds=HOUR_SECONDS)).isoformat(timespec="seconds")
    assert found["web"].dependencies == ("pay",)
    assert found["web"].provenance == (f"service graph, last at {last}", f"service graph: calls pay, last at {last}")
    assert found["shop"].dependencies == ("stock",)
    assert found["pay"].provenance == (f"service graph, last at {last}",)


async def test_a_source_that_is_away_is_told_and_adds_nothing() -> None:
    told: list[str] = []

    def report(source: str, error: SourceError) -> None:
        told.append(source)

    graph = partial(graph_edges, Away(), NOON, HOUR_SECONDS)
    assert await discover_live([], now=NOON, graph=graph, report=report) == []
    assert told == ["service graph"]
