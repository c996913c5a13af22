"""Loki's client reads what a real Loki answered, and the fake answers as the real one did."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from clients.loki.api import LokiApi
from clients.loki.entries import entries_of
from clients.loki.settings import LokiSettings
from core.clock import SystemClock
from core.errors import SourceRejected, SourceUnavailable
from core.models import Severity, Window
from tests.fakes.loki import METADATA, Line, loki
from tests.fakes.recordings import Player, recording, reply_of
from tests.fakes.wire import wire

START, END = 1795210140, 1795211940
WINDOW = Window(start=datetime.fromtimestamp(START, UTC), end=datetime.fromtimestamp(END, UTC))
NS = 1_000_000_000


@pytest.fixture
async def api() -> AsyncIterator[LokiApi]:
    """The client of a server that plays recordings."""
    player = Player("loki")
    async with wire(player) as server:
        yield LokiApi(LokiSettings(url=server.url), SystemClock())
    assert not player.missed


def recorded_lines() -> list[Line]:
    """The lines of the recorded server, as it tells them when asked for all."""
    data = recording("loki", "qr_streams_all_limit5000")["response"]["body"]
    lines = []
    for entry in entries_of(json.loads(data)["data"]["result"]):
        labels = dict(entry.labels)
        metadata = {name: labels.pop(name) for name in METADATA & labels.keys()}
        lines.append(Line(entry.nanoseconds, entry.text, labels, metadata))
    return lines


async def test_lines_from_both_ends(api: LokiApi) -> None:
    forward = await api.entries('{app="payments"}', START * NS, END * NS, 5, "forward")
    assert [entry.nanoseconds % 100 for entry in forward] == [1, 5, 9, 13, 17]
    line = forward[0].line("payments")
    assert (line.service, line.severity) == ("payments", Severity.INFO)
    assert json.loads(line.text)["request_id"] == "req-00001"
    assert line.at == datetime(2026, 11, 20, 21, 29, 1, 800000, UTC)


async def test_lines_of_every_kind_come_as_they_were_written(api: LokiApi) -> None:
    found = await api.entries('{app="oddities"}', START * NS, END * NS, 50, "forward")
    assert found[0].text == "unicode: naïve café 日本語 🚨"
    assert found[1].text == 'quotes " and \\ backslash'
    assert found[4].text == ""


async def test_metadata_stands_beside_the_labels() -> None:
    body = json.loads(recording("loki", "qr_categorize_labels")["response"]["body"])
    (first, second) = entries_of(body["data"]["result"])
    assert "trace_id" not in dict(first.labels)
    assert dict(second.attached)["trace_id"] == "000000000000000000000000000003d4"
    assert second.line("checkout").trace_id == "000000000000000000000000000003d4"


async def test_what_it_knows_of_streams(api: LokiApi) -> None:
    assert await api.labels(WINDOW) == ("app", "env", "host", "job", "service_name")
    assert "payments" in await api.label_values("app", WINDOW)
    assert await api.label_values("doesnotexist", WINDOW) == ()
    assert len(await api.series(['{app=~"payments|gateway"}'], WINDOW)) == 6
    assert {each["app"] for each in await api.series(['{app="payments"}', '{app="worker"}'], WINDOW)} == {
        "payments",
        "worker",
    }
    assert await api.series(['{app="nope"}'], WINDOW) == ()


async def test_an_empty_range_has_no_data(api: LokiApi) -> None:
    quiet = Window(start=datetime.fromtimestamp(1794778140, UTC), end=datetime.fromtimestamp(1794778200, UTC))
    assert await api.labels(quiet) == ()


async def test_numbers_over_lines(api: LokiApi) -> None:
    volume = await api.volume('{job="docker"}', WINDOW, "app")
    assert (volume[0].labels, volume[0].value) == ({"app": "checkout"}, 34035)
    counts = await api.instant('sum by (app) (count_over_time({job="docker"}[30m]))', WINDOW.end)
    assert {each.labels["app"]: each.value for each in counts}["checkout"] == 249
    assert await api.instant('count_over_time({app="nope"}[5m])', WINDOW.end) == ()
    (pattern,) = await api.patterns('{app="worker"}', WINDOW)
    assert pattern.pattern == "INFO  processed job <_> in <_> ms"
    assert pattern.count > 200


async def test_refusals_are_told_in_its_words() -> None:
    for name, kind, words, fix in (
        ("tenant_missing_query_range_401", SourceRejected, "no org id", "loki.tenant"),
        ("push_rate_limited_429", SourceUnavailable, "rate limit exceeded", "later"),
        ("err_range_too_long", SourceRejected, "limit: 30d1h", "query"),
        ("q_instant_log_selector_400", SourceRejected, "log queries are not supported", "query"),
        ("err_404_unknown_path", SourceRejected, "404 page not found", "loki.url"),
    ):
        reply = reply_of(recording("loki", name))
        async with wire(lambda _, reply=reply: reply) as server:
            api = LokiApi(LokiSettings(url=server.url), SystemClock())
            with pytest.raises(kind, match=words) as raised:
                await api.entries('{app="a"}', START * NS, END * NS, 5, "forward")
            assert fix in raised.value.fix


async def test_a_tighter_limit_is_learnt_from_the_refusal() -> None:
    async with loki(recorded_lines(), max_lines=100) as server:
        given = LokiApi(LokiSettings(url=server.url), SystemClock())
        found = await given.entries('{app="payments"}', START * NS, END * NS, 5000, "forward")
        assert (len(found), given.page_lines) == (100, 100)
    refusal = recording("loki", "err_limit_too_large_tight")["response"]["body"]
    assert refusal.endswith("limit > max_entries_limit_per_query (101 > 100)\n") or refusal.endswith("(101 > 100)")


REPLAYED = (
    "qr_streams_forward_limit5",
    "qr_streams_backward_limit5",
    "qr_streams_all_limit5000",
    "qr_empty_result",
    "qr_oddities",
    "labels",
    "err_limit_too_large",
    "err_limit_zero",
    "err_end_before_start",
    "err_bad_direction",
    "err_404_unknown_path",
)


@pytest.mark.parametrize("name", REPLAYED)
async def test_the_fake_answers_as_the_real_one(name: str) -> None:
    exchange = recording("loki", name)
    async with loki(recorded_lines()) as server, httpx.AsyncClient(trust_env=False) as http:
        given = await http.get(f"{server.url}{exchange['request']['path']}")
    real = reply_of(exchange)
    assert (given.status_code, given.headers["content-type"]) == (real.status, real.content_type)
    if real.content_type.startswith("text/plain"):
        assert given.text == real.body.decode()
    else:
        assert _comparable(given.json()) == _comparable(json.loads(real.body))


async def test_the_fake_wants_a_tenant_as_the_real_one() -> None:
    exchange = recording("loki", "tenant_missing_query_range_401")
    async with loki(tenant="acme") as server, httpx.AsyncClient(trust_env=False) as http:
        given = await http.get(f"{server.url}{exchange['request']['path']}")
    assert (given.status_code, given.text) == (401, exchange["response"]["body"])


async def test_the_fake_tails_as_the_real_one() -> None:
    history = recording("loki", "tail_ws_history_limit")
    async with loki(recorded_lines()) as server:
        address = server.url.replace("http:", "ws:")
        async with connect(f"{address}{history['request']['path']}", proxy=None) as socket:
            frame = json.loads(await socket.recv())
        assert _comparable_streams(frame["streams"]) == _comparable_streams(
            json.loads(history["response"]["frames"][0]["text"])["streams"]
        )
        metric = recording("loki", "tail_ws_metric_query")
        async with connect(f"{address}{metric['request']['path']}", proxy=None) as socket:
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        frames = metric["response"]["frames"]
        assert [(closed.value.rcvd.code, closed.value.rcvd.reason)] == [
            (each["close_code"], each["close_reason"]) for each in frames
        ]
        server.tenant = "acme"
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{address}{history['request']['path']}", proxy=None)
    assert refused.value.response.status_code == recording("loki", "tail_ws_no_tenant_401")["response"]["status"]


def _comparable(document: Any) -> Any:
    data = document.get("data")
    if isinstance(data, dict):
        return _comparable_streams(data["result"])
    return document


def _comparable_streams(streams: Any) -> Any:
    return sorted((at, text, sorted(each["stream"].items())) for each in streams for at, text in each["values"])
