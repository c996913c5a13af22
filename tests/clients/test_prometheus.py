"""Prometheus' client: queries as text, grids beyond the limit of points, and what it makes of answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from clients.connection import ConnectionSettings
from clients.matrix import MAX_POINTS, Grid
from clients.prometheus.promql import render
from clients.prometheus.settings import PrometheusSettings
from clients.prometheus.source import PrometheusMetrics
from core.clock import SystemClock
from core.errors import ConfigError, SourceRejected, SourceUnavailable
from core.frames import Aggregate, Frame, Function, MetricQuery
from core.models import Window
from tests.fakes.wire import Asked, Reply, wire
from tests.servers.prometheus import prometheus
from tests.support import eventually

START = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def query(seconds: float = 60, step: float = 15, **fields: object) -> MetricQuery:
    window = Window(start=START, end=START + timedelta(seconds=seconds))
    return MetricQuery.model_validate({"metric": "up", "window": window, "step_seconds": step, **fields})


def answer(result: Sequence[object], **fields: object) -> Reply:
    document = {"status": "success", "data": {"resultType": "matrix", "result": result}, **fields}
    return Reply(json.dumps(document).encode())


def client(url: str, **fields: object) -> PrometheusMetrics:
    return PrometheusMetrics(PrometheusSettings.model_validate({"url": url, **fields}), SystemClock())


@pytest.mark.parametrize(
    ("fields", "promql"),
    [
        ({}, "up"),
        ({"matchers": {"job": "a"}}, 'up{job="a"}'),
        ({"matchers": {"job": 'x"} or vector(1) #\\\n'}}, 'up{job="x\\"} or vector(1) #\\\\\\n"}'),
        ({"matchers_regex": {"code": "5.."}, "function": Function.RATE}, 'rate(up{code=~"5.."}[60000ms])'),
        (
            {"function": Function.INCREASE, "aggregate": Aggregate.SUM, "rate_window_seconds": 0.5},
            "sum (increase(up[500ms]))",
        ),
        ({"aggregate": Aggregate.MAX, "by": ("job", "a.b")}, 'max by (job, "a.b") (up)'),
        (
            {"metric": "d", "function": Function.QUANTILE, "quantile": 0.95, "by": ("job", "le")},
            "histogram_quantile(0.95, sum by (le, job) (rate(d_bucket[60000ms])))",
        ),
        ({"metric": "http.requests", "matchers": {"a": "b"}}, '{__name__="http.requests",a="b"}'),
        ({"metric": 'up"} or {x="'}, '{__name__="up\\"} or {x=\\""}'),
    ],
)
def test_queries_as_promql(fields: dict[str, object], promql: str) -> None:
    assert render(query(**fields)) == promql


def test_a_quantile_query_without_its_quantile_is_refused() -> None:
    with pytest.raises(SourceRejected, match="quantile"):
        render(query(function=Function.QUANTILE))


@given(
    columns=st.integers(1, 500),
    step=st.integers(1, 5000),
    offset=st.floats(0, 1, allow_nan=False),
    max_points=st.integers(1, 60),
)
def test_pieces_cover_the_grid_once_and_join_on_it(columns: int, step: int, offset: float, max_points: int) -> None:
    start = START + timedelta(seconds=offset)
    window = Window(start=start, end=start + timedelta(milliseconds=step * (columns - 1) + step // 2))
    grid = Grid.of(window, step / 1000)
    assert grid.columns == Frame.empty(window, step / 1000).values.shape[1]
    pieces = grid.pieces(max_points)
    results = []
    for piece in pieces:
        times = range(piece.start_milliseconds, piece.end_milliseconds + 1, step)
        assert 0 < len(times) <= max_points
        column = piece.first_column
        pairs = [[at / 1000, str(column + number)] for number, at in enumerate(times)]
        results.append([{"metric": {"__name__": "up", "job": "a"}, "values": pairs}])
    frame = grid.frame(results)
    assert frame.labels == ({"job": "a"},)
    assert frame.values.tolist() == [list(range(grid.columns))]


def test_a_step_that_servers_cannot_count_is_refused() -> None:
    for step in (0.0004, 1 / 3):
        with pytest.raises(SourceRejected, match="milliseconds"):
            Grid.of(query().window, step)


async def test_a_grid_beyond_the_limit_of_points_is_asked_for_in_parts() -> None:
    columns = 2 * MAX_POINTS + 5

    def reply(asked: Asked) -> Reply:
        first, last = (round(float(asked.one(name)) * 1000) for name in ("start", "end"))
        times = [first, last]
        return answer([{"metric": {}, "values": [[at / 1000, str(at)] for at in times]}])

    async with wire(reply) as server:
        frame = await client(server.url).query(query(seconds=columns - 1, step=1))
    assert [asked.one("step") for asked in server.asked] == ["1.000"] * 3
    assert frame.values.shape == (1, columns)
    filled = np.flatnonzero(~np.isnan(frame.values[0]))
    assert filled.tolist() == [0, MAX_POINTS - 1, MAX_POINTS, 2 * MAX_POINTS - 1, 2 * MAX_POINTS, columns - 1]
    np.testing.assert_allclose(frame.times[filled], frame.values[0][filled] / 1000, atol=1e-3)


async def test_a_window_between_seconds_is_asked_for_as_it_is() -> None:
    window = Window(start=START + timedelta(milliseconds=250), end=START + timedelta(milliseconds=1250))
    async with wire(lambda _: answer([])) as server:
        await client(server.url).query(query(window=window, step_seconds=0.5))
    (asked,) = server.asked
    assert (asked.one("start"), asked.one("end"), asked.one("step")) == (
        f"{START.timestamp():.0f}.250",
        f"{START.timestamp() + 1:.0f}.250",
        "0.500",
    )


async def test_values_are_strings_that_may_be_no_numbers() -> None:
    at = START.timestamp()
    pairs = [[at, "1.5"], [at + 15, "NaN"], [at + 30, "+Inf"], [at + 45, "-Inf"]]
    async with wire(lambda _: answer([{"metric": {"job": "a"}, "values": pairs}])) as server:
        frame = await client(server.url).query(query())
    np.testing.assert_array_equal(frame.values, [[1.5, np.nan, np.inf, -np.inf, np.nan]])


async def test_a_value_that_is_no_number_at_all_is_an_error() -> None:
    async with wire(lambda _: answer([{"metric": {}, "values": [[1, "many"]]}])) as server:
        with pytest.raises(SourceRejected, match="cannot be read"):
            await client(server.url).query(query())


async def test_fifty_thousand_series_are_refused_before_they_fill_memory() -> None:
    many = [{"metric": {"n": str(n)}, "values": [[START.timestamp(), "1"]]} for n in range(50_000)]
    body = answer(many)
    async with wire(lambda _: body) as server:
        with pytest.raises(SourceRejected, match="50000 series") as raised:
            await client(server.url).query(query())
        assert "prometheus.max_series" in raised.value.fix
        frame = await client(server.url, max_series=50_000).query(query())
    assert frame.values.shape == (50_000, 5)


async def test_warnings_are_read() -> None:
    async with wire(lambda _: answer([], warnings=["one store did not answer"])) as server:
        with structlog.testing.capture_logs() as logs:
            await client(server.url).query(query())
    assert [entry["warnings"] for entry in logs] == [["one store did not answer"]]


async def test_errors_of_the_api_are_told_in_its_words() -> None:
    body = json.dumps({"status": "error", "errorType": "bad_data", "error": "invalid parameter"}).encode()
    async with wire(lambda _: Reply(body, 400)) as server:
        with pytest.raises(SourceRejected, match="answered 400: bad_data: invalid parameter"):
            await client(server.url).query(query())
    async with wire(lambda _: Reply(body.replace(b"bad_data", b"timeout"), 503)) as server:
        with pytest.raises(SourceUnavailable, match="timeout"):
            await client(server.url).query(query())


async def test_credentials_are_sent_and_never_told() -> None:
    async with wire(lambda _: Reply(b"no", 401, "text/plain")) as server:
        bare = server.url.removeprefix("http://")
        for fields, sent in (
            ({"url": server.url, "bearer_token": "s3cret"}, "Bearer s3cret"),
            ({"url": f"http://ann:s3cret@{bare}/"}, "Basic " + base64.b64encode(b"ann:s3cret").decode()),
        ):
            source = PrometheusMetrics(PrometheusSettings.model_validate(fields), SystemClock())
            with pytest.raises(SourceRejected) as raised:
                await source.query(query())
            assert server.asked[-1].headers["authorization"] == sent
            assert "s3cret" not in str(raised.value)
            assert "s3cret" not in repr(PrometheusSettings.model_validate(fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "prometheus:9090"},
        {"url": "http://"},
        {"url": "http://host:port"},
        {"url": "http://host/?a=b"},
        {"url": "http://host", "bearer_token": "a", "username": "b"},
        {"url": "http://host", "key_file": "key.pem"},
        {"url": "http://host", "timeout_seconds": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ConnectionSettings.model_validate(fields)


async def test_tls_files_that_are_none_are_a_configuration_error(tmp_path: Path) -> None:
    settings = PrometheusSettings(url="https://127.0.0.1:1", ca_file="ca.pem").rooted(lambda path: tmp_path / path)
    assert settings.ca_file == str(tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match="TLS files"):
        await PrometheusMetrics(settings, SystemClock()).query(query())
    assert "ca_file" in (await PrometheusMetrics(settings, SystemClock()).status()).fix
    assert settings.model_copy(update={"password": SecretStr("x")}).headers == {}


@pytest.mark.slow
async def test_an_empty_prometheus_is_told_from_one_that_scrapes(tmp_path: Path) -> None:
    def folder(name: str) -> Path:
        made = tmp_path / name
        made.mkdir()
        return made

    with prometheus(folder("empty")) as server:
        status = await client(server.url).status()
        assert (status.configured, status.reachable) == (True, False)
        assert "empty" in status.detail
        assert "scrape_configs" in status.fix

        job = {"job_name": "other", "static_configs": [{"targets": [server.url.removeprefix("http://")]}]}
        with prometheus(folder("scraping"), scrape_configs=[job], scrape_interval="200ms") as scraping:
            source = client(scraping.url)

            async def scraped() -> bool:
                return (await source.status()).reachable

            await eventually(scraped, deadline_seconds=20, every_seconds=0.2)
            status = await source.status()
            assert status.version.startswith("2.") or status.version.startswith("3.")
            assert status.detail == "1 targets"
            (target,) = await source.targets()
            assert (target.health, target.labels["job"]) == ("up", "other")
            assert target.url.endswith("/metrics")
            assert target.last_scrape is not None
            assert abs((SystemClock().now() - target.last_scrape).total_seconds()) < 60
