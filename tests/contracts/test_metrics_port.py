"""What every `MetricsSource` must do. A new implementation joins by one entry in `IMPLEMENTATIONS`.

An implementation is a context manager that makes `ROUNDS` its history and yields the source. Values
that implementations may interpolate or extrapolate differently are compared with tolerance.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from clients.buffer import ScrapeBuffer
from clients.prometheus.settings import PrometheusSettings
from clients.prometheus.source import PrometheusMetrics
from clients.scrape import ScrapeSettings, ScrapeTarget, parse_page
from core.clock import ManualClock, SystemClock
from core.errors import SourceRejected
from core.frames import Aggregate, Frame, Function, MetricQuery
from core.models import Window
from core.ports import MetricsSource
from tests.clients.pages import Page, serving
from tests.contracts.played import PlayedMetrics
from tests.servers.process import Server
from tests.servers.prometheus import backfill, prometheus

START = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
STEP_SECONDS = 5.0
COUNT = 25
DOWN_FROM = 20
"""The target stops answering at this round."""


def page_of(round_number: int) -> str:
    """The target's page: 10 requests a second, 1 in 10 fails, half of all faster than 0.1 s, the rest than 0.2 s."""
    requests = 50 * round_number
    return (
        "# TYPE http_requests_total counter\n"
        f'http_requests_total{{code="200"}} {requests * 9 // 10}\n'
        f'http_requests_total{{code="500"}} {requests // 10}\n'
        "# TYPE temperature gauge\n"
        f"temperature {round_number}\n"
        "# TYPE latency_seconds histogram\n"
        f'latency_seconds_bucket{{le="0.1"}} {requests // 2}\n'
        f'latency_seconds_bucket{{le="0.2"}} {requests}\n'
        f'latency_seconds_bucket{{le="+Inf"}} {requests}\n'
        f"latency_seconds_count {requests}\n"
        f"latency_seconds_sum {requests * 0.1}\n"
    )


ROUNDS = tuple(page_of(number) if number < DOWN_FROM else None for number in range(COUNT))
"""The target's pages, one each STEP_SECONDS from START; None: no answer. Labels: job="cart", instance="cart:1"."""


@contextlib.asynccontextmanager
async def scrape_buffer(_: pytest.FixtureRequest) -> AsyncIterator[MetricsSource]:
    """The embedded source, scraping a real server."""
    clock = ManualClock(START)
    with serving(Page()) as page:
        target = ScrapeTarget(url=page.url, labels={"job": "cart", "instance": "cart:1"})
        buffer = ScrapeBuffer(ScrapeSettings(interval_seconds=STEP_SECONDS, targets=(target,)), clock)
        for text in ROUNDS:
            page.text, page.status = (text, 200) if text is not None else ("", 503)
            await buffer.scrape_once()
            clock.advance(STEP_SECONDS)
    yield buffer


@contextlib.asynccontextmanager
async def recording(request: pytest.FixtureRequest) -> AsyncIterator[MetricsSource]:
    """A recording of the embedded source."""
    async with scrape_buffer(request) as live:
        yield PlayedMetrics(live)


def openmetrics() -> str:
    """`ROUNDS` as OpenMetrics text with times, series by series, and `up` as a scraper adds it."""
    labels = {"job": "cart", "instance": "cart:1"}
    series: dict[str, list[str]] = {}
    for number, text in enumerate(ROUNDS):
        at = START.timestamp() + number * STEP_SECONDS
        samples = [(one.name, one.labels, one.value) for one in parse_page(text or "", labels)]
        for name, own, value in [*samples, ("up", labels, float(text is not None))]:
            pairs = ",".join(f'{label}="{given}"' for label, given in sorted(own.items()))
            key = f"{name}{{{pairs}}}"
            series.setdefault(key, []).append(f"{key} {value} {at}")
    return "\n".join([line for lines in series.values() for line in lines] + ["# EOF", ""])


@pytest.fixture(scope="session")
def prometheus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server with the history of `ROUNDS`.

    Backfilled series have no marker of their end, which a scrape would have left: the lookback stands in for it.
    """
    folder = tmp_path_factory.mktemp("prometheus")
    backfill(folder, openmetrics())
    with prometheus(folder, flags=["--query.lookback-delta=4s"]) as server:
        yield server


@contextlib.asynccontextmanager
async def real_prometheus(request: pytest.FixtureRequest) -> AsyncIterator[MetricsSource]:
    """The client of a real server."""
    server: Server = request.getfixturevalue("prometheus_server")
    yield PrometheusMetrics(PrometheusSettings(url=server.url), SystemClock())


Implementation = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[MetricsSource]]
IMPLEMENTATIONS: dict[str, Implementation] = {
    "scrape": scrape_buffer,
    "recording": recording,
    "prometheus": real_prometheus,
}
SLOW = frozenset({"prometheus"})


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in IMPLEMENTATIONS])
async def source(request: pytest.FixtureRequest) -> AsyncIterator[MetricsSource]:
    """Each implementation with the history of `ROUNDS`."""
    async with IMPLEMENTATIONS[request.param](request) as made:
        yield made


async def ask(source: MetricsSource, metric: str, first: int, last: int, **fields: object) -> Frame:
    """Query from one round to another, at the pace of the rounds."""
    window = Window(
        start=START + timedelta(seconds=first * STEP_SECONDS), end=START + timedelta(seconds=last * STEP_SECONDS)
    )
    given = {"metric": metric, "window": window, "step_seconds": STEP_SECONDS, "rate_window_seconds": 20, **fields}
    return await source.query(MetricQuery.model_validate(given))


async def test_raw_values_on_the_grid_with_labels_but_without_the_name(source: MetricsSource) -> None:
    frame = await ask(source, "temperature", 4, 8)
    assert frame.labels == ({"job": "cart", "instance": "cart:1"},)
    assert frame.times.tolist() == [(START + timedelta(seconds=STEP_SECONDS * n)).timestamp() for n in range(4, 9)]
    assert frame.values.tolist() == [[4, 5, 6, 7, 8]]


async def test_matchers_select_series(source: MetricsSource) -> None:
    assert len((await ask(source, "http_requests_total", 4, 8)).labels) == 2
    by_value = await ask(source, "http_requests_total", 4, 8, matchers={"code": "500", "job": "cart"})
    by_pattern = await ask(source, "http_requests_total", 4, 8, matchers_regex={"code": "5.."})
    assert [labels["code"] for labels in (*by_value.labels, *by_pattern.labels)] == ["500", "500"]
    assert (await ask(source, "http_requests_total", 4, 8, matchers={"job": "other"})).labels == ()


async def test_rate_is_per_second_and_sums_by_label(source: MetricsSource) -> None:
    total = await ask(source, "http_requests_total", 6, 10, function=Function.RATE, aggregate=Aggregate.SUM)
    assert total.labels == ({},)
    np.testing.assert_allclose(total.values, [[10.0] * 5], rtol=0.01)
    split = await ask(
        source, "http_requests_total", 6, 10, function=Function.RATE, aggregate=Aggregate.SUM, by=("code",)
    )
    rates = {labels["code"]: row for labels, row in zip(split.labels, split.values, strict=True)}
    np.testing.assert_allclose(rates["200"], [9.0] * 5, rtol=0.01)
    np.testing.assert_allclose(rates["500"], [1.0] * 5, rtol=0.01)


async def test_quantiles_interpolate_in_their_bucket(source: MetricsSource) -> None:
    frame = await ask(source, "latency_seconds", 6, 10, function=Function.QUANTILE, quantile=0.75, by=("job",))
    assert frame.labels == ({"job": "cart"},)
    np.testing.assert_allclose(frame.values, [[0.15] * 5], rtol=0.01)


async def test_a_target_that_is_down_has_up_0_and_no_values(source: MetricsSource) -> None:
    up = await ask(source, "up", DOWN_FROM - 2, DOWN_FROM + 1, matchers={"job": "cart"})
    assert up.values.tolist() == [[1, 1, 0, 0]]
    values = await ask(source, "temperature", DOWN_FROM - 2, DOWN_FROM + 1)
    np.testing.assert_array_equal(values.values, [[DOWN_FROM - 2, DOWN_FROM - 1, np.nan, np.nan]])


async def test_an_unknown_metric_or_time_has_no_values(source: MetricsSource) -> None:
    frame = await ask(source, "no_such_metric", 4, 8, function=Function.RATE)
    assert (frame.labels, frame.values.shape) == ((), (0, 5))
    assert np.isnan((await ask(source, "temperature", 1000, 1004)).values).all()


async def test_a_bad_pattern_is_rejected_with_a_fix(source: MetricsSource) -> None:
    with pytest.raises(SourceRejected) as raised:
        await ask(source, "temperature", 4, 8, matchers_regex={"job": "("})
    assert raised.value.fix


async def test_status_names_the_source(source: MetricsSource) -> None:
    status = await source.status()
    assert (status.name, status.configured) == (source.name, True)
