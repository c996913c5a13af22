"""Who calls whom, read from the metrics of a service graph.

Tempo's metrics generator and OpenTelemetry's service graph connector count the calls between two services as
``traces_service_graph_request_total{client, server}``
(https://grafana.com/docs/tempo/latest/metrics-from-traces/service_graphs/).
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np

from core.frames import Aggregate, Frame, Function, MetricQuery
from core.models import Window
from tools.edges import MAX_EDGES, Edge, usable

METRIC = "traces_service_graph_request_total"
STEP_SECONDS = 300.0
OUTSIDE = "user"
"""What the generator calls clients that send no spans: nobody in particular."""


class MetricSource(Protocol):
    """Answers queries, such as every `core.ports.MetricsSource`."""

    def query(self, query: MetricQuery) -> Awaitable[Frame]: ...


async def graph_edges(source: MetricSource, now: datetime, lookback_seconds: float) -> tuple[Edge, ...]:
    """The edges of that time, by caller and callee; none where nobody counts calls.

    Raises:
        SourceError: the source did not answer.
    """
    query = MetricQuery(
        metric=METRIC,
        function=Function.INCREASE,
        aggregate=Aggregate.SUM,
        by=("client", "server"),
        rate_window_seconds=STEP_SECONDS,
        window=Window(start=now - timedelta(seconds=lookback_seconds), end=now),
        step_seconds=STEP_SECONDS,
    )
    frame = await source.query(query)
    found = []
    for labels, values in zip(frame.labels, frame.values, strict=True):
        caller, callee = labels.get("client", ""), labels.get("server", "")
        counted = np.flatnonzero(np.nan_to_num(values) > 0)
        if counted.size and caller not in (OUTSIDE, callee) and usable(caller) and usable(callee):
            last_at = datetime.fromtimestamp(float(frame.times[counted[-1]]), UTC)
            calls = max(1, round(float(np.nansum(values[counted]))))
            found.append(Edge(caller, callee, address="", calls=calls, last_at=last_at))
    kept = sorted(found, key=lambda edge: (-edge.calls, edge.caller, edge.callee))[:MAX_EDGES]
    return tuple(sorted(kept, key=lambda edge: (edge.caller, edge.callee)))
