"""Every HTTP client against a server that fails in every way: an error of the tree that says what to do, in time."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from clients.alertmanager import Alertmanager, AlertmanagerSettings
from clients.loki.settings import LokiSettings
from clients.loki.source import LokiLogs
from clients.prometheus.settings import PrometheusSettings
from clients.prometheus.source import PrometheusMetrics
from clients.tempo import Tempo, TempoSettings
from core.clock import ManualClock, SystemClock
from core.errors import SourceError, SourceRejected, SourceUnavailable
from core.frames import LogQuery, MetricQuery
from core.models import Window
from core.ports import SourceStatus
from core.traces import TraceQuery
from drills.ports import free_port
from tests.fakes.wire import Reply, wire

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
WINDOW = Window(start=NOON - timedelta(minutes=1), end=NOON)
TIMEOUT_SECONDS = 0.6

Ask = Callable[[str], Awaitable[object]]
CLOCK = SystemClock()


def prometheus(url: str) -> PrometheusMetrics:
    return PrometheusMetrics(
        PrometheusSettings(url=url, timeout_seconds=TIMEOUT_SECONDS, max_body_bytes=100_000), CLOCK
    )


def loki(url: str) -> LokiLogs:
    return LokiLogs(LokiSettings(url=url, timeout_seconds=TIMEOUT_SECONDS, max_body_bytes=100_000), {}, CLOCK)


def alertmanager(url: str) -> Alertmanager:
    given = AlertmanagerSettings(url=url, timeout_seconds=TIMEOUT_SECONDS, max_body_bytes=100_000)
    return Alertmanager(given, CLOCK)


def tempo(url: str) -> Tempo:
    return Tempo(TempoSettings(url=url, timeout_seconds=TIMEOUT_SECONDS, max_body_bytes=100_000), CLOCK)


ASK: dict[str, Ask] = {
    "prometheus": lambda url: prometheus(url).query(MetricQuery(metric="up", window=WINDOW)),
    "loki": lambda url: loki(url).query(LogQuery(service="cart", window=WINDOW)),
    "alertmanager": lambda url: alertmanager(url).alerts(),
    "tempo": lambda url: tempo(url).query(TraceQuery(service="cart", window=WINDOW)),
}
STATUS: dict[str, Callable[[str], Awaitable[SourceStatus]]] = {
    "prometheus": lambda url: prometheus(url).status(),
    "loki": lambda url: loki(url).status(),
    "alertmanager": lambda url: alertmanager(url).status(),
    "tempo": lambda url: tempo(url).status(),
}
HTML = b"<html><body>please log in</body></html>"
FAULTS: dict[str, tuple[Reply, type[SourceError], str]] = {
    "unauthorized": (Reply(b"who are you", 401, "text/plain"), SourceRejected, "bearer_token"),
    "forbidden": (Reply(b"", 403), SourceRejected, "bearer_token"),
    "not_found": (Reply(b"404 page not found", 404, "text/plain"), SourceRejected, "url"),
    "bad_request": (Reply(b"parse error", 400, "text/plain"), SourceRejected, "query"),
    "redirect": (Reply(b"", 302, headers={"Location": "https://sso.example/login"}), SourceRejected, "final address"),
    "internal": (Reply(b"it broke", 500, "text/plain"), SourceUnavailable, "log"),
    "gateway": (Reply(HTML, 502, "text/html"), SourceUnavailable, "log"),
    "html": (Reply(HTML, 200, "text/html"), SourceRejected, "login page"),
    "half_json": (Reply(b'{"status":"success","data":{"resul'), SourceUnavailable, "log"),
    "other_json": (Reply(b'{"hello": "world"}'), SourceRejected, "version"),
    "list": (Reply(b"[1]"), SourceRejected, "version"),
    "cut": (Reply(b'{"status":"success","data":{}}' * 100, cut=True), SourceUnavailable, "proxy"),
    "silent": (Reply(hold=True), SourceUnavailable, "timeout_seconds"),
    "dripping": (Reply(drip=True), SourceUnavailable, "timeout_seconds"),
    "endless": (Reply(b" " * 200_000), SourceRejected, "max_body_bytes"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("client", ASK)
async def test_a_fault_is_an_error_that_says_what_to_do(client: str, fault: str) -> None:
    reply, kind, fix = FAULTS[fault]
    async with wire(lambda _: reply) as server:
        began = time.monotonic()
        with pytest.raises(SourceError) as raised:
            await ASK[client](server.url)
        assert time.monotonic() - began < TIMEOUT_SECONDS + 2
        assert type(raised.value) is kind
        assert fix in raised.value.fix
        assert server.url in raised.value.message
        assert "<html>" not in str(raised.value)
        if fault == "internal":
            assert "it broke" in raised.value.message
        assert len(server.asked) == 1, "nothing is retried or redirected"


@pytest.mark.parametrize("client", ASK)
async def test_a_server_that_is_not_there(client: str) -> None:
    with pytest.raises(SourceUnavailable, match="Connection refused") as raised:
        await ASK[client](f"http://127.0.0.1:{free_port()}")
    assert "start" in raised.value.fix
    assert f"{client}.url" in raised.value.fix


@pytest.mark.parametrize("client", ASK)
async def test_a_server_that_asks_to_be_left_alone(client: str) -> None:
    async with wire(lambda _: Reply(b"too many requests", 429, "text/plain", {"Retry-After": "7"})) as server:
        with pytest.raises(SourceUnavailable) as raised:
            await ASK[client](server.url)
    assert raised.value.retry_after_seconds == 7
    assert "7 s" in raised.value.fix


@pytest.mark.parametrize("client", ASK)
async def test_a_plain_server_under_an_https_address(client: str) -> None:
    async with wire(lambda _: Reply()) as server:
        with pytest.raises(SourceRejected, match="TLS") as raised:
            await ASK[client](server.url.replace("http:", "https:"))
    assert "ca_file" in raised.value.fix


@pytest.mark.parametrize("client", STATUS)
async def test_status_tells_the_same_without_raising(client: str) -> None:
    unset = await STATUS[client]("")
    assert (unset.configured, unset.reachable) == (False, False)
    assert unset.fix
    gone = await STATUS[client](f"http://127.0.0.1:{free_port()}")
    assert (gone.name, gone.configured, gone.reachable) == (client, True, False)
    assert gone.fix
    async with wire(lambda _: Reply(b'{"hello": "world"}')) as server:
        other = await STATUS[client](server.url)
    assert (other.configured, other.reachable) == (True, False)
    assert "version" in other.fix


async def test_a_clock_that_is_off_is_told() -> None:
    clock = ManualClock(NOON)
    headers = {"Date": "Tue, 03 Mar 2026 12:02:00 GMT"}
    body = json.dumps({"versionInfo": {"version": "0.25.0"}, "version": "2.5.0"}).encode()
    async with wire(lambda _: Reply(body, headers=headers)) as server:
        for status in (
            await Alertmanager(AlertmanagerSettings(url=server.url), clock).status(),
            await Tempo(TempoSettings(url=server.url), clock).status(),
        ):
            assert status.reachable
            assert "120 s ahead" in status.detail
            assert "NTP" in status.fix


async def test_a_version_that_is_too_old_is_told() -> None:
    body = json.dumps({"versionInfo": {"version": "0.15.0"}, "version": "1.5.0"}).encode()
    async with wire(lambda _: Reply(body)) as server:
        for status in (await alertmanager(server.url).status(), await tempo(server.url).status()):
            assert not status.reachable
            assert "upgrade" in status.fix
