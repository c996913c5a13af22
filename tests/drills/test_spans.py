"""The shop's spans: one trace from end to end, and nothing lost but spans when nobody takes them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from clients.otlp import decode
from core.clock import SystemClock
from core.traces import Span, SpanKind
from drills.environments.children import Child
from drills.environments.configuration import Ports, ports_of_a_drill
from drills.environments.processes import process_environment
from drills.scenario import find_scenario
from drills.shop.otlp import SpanSender
from drills.shop.roles import Role
from drills.shop.service import parse
from drills.shop.tracing import Side, TraceContext, Tracer
from tests.support import eventually

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


class Receiver(ThreadingHTTPServer):
    """Takes OTLP as Quell does, or takes requests and never answers."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Exchange)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.spans: list[Span] = []
        self.asked: list[tuple[str, str]] = []
        self.silent = False
        self.status = 200
        self.end = threading.Event()


class _Exchange(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, self.headers.get("authorization", "")))
        if self.server.silent:
            self.server.end.wait(30)
            return
        decoded = decode(
            body, content_type=self.headers["content-type"], encoding=self.headers.get("content-encoding", "")
        )
        assert decoded.rejected == 0, decoded.reason
        self.server.spans += decoded.spans
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver that listens."""
    with Receiver(port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.end.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One on a port of its own."""
    with receiving() as server:
        yield server


@contextmanager
def tracing(service: str, url: str, token: str = "") -> Iterator[Tracer]:
    """A tracer that sends; what it holds is sent at the end."""
    sender = SpanSender(service, url, token)
    yield Tracer(SystemClock(), sender)
    sender.close()


def test_a_checkout_is_one_trace_of_client_and_server_spans(local_shop, receiver: Receiver) -> None:
    token = "t" * 32
    with (
        tracing("payment", receiver.url, token) as payment,
        tracing("orders", receiver.url, token) as orders,
    ):
        local_shop.start_all()
        local_shop.start(Role.PAYMENT, tracer=payment)
        local_shop.start(Role.ORDERS, tracer=orders, tax_rates={"DE": 19})
        url = f"{local_shop.urls[Role.ORDERS]}/orders/u1"
        parent = {"traceparent": f"00-{TRACE_ID}-{CALLER}-01"}
        assert httpx.post(url, json={"country": "DE"}, headers=parent).status_code == 200
        assert httpx.post(url, json={"country": "FR"}, headers=parent).status_code == 500
    assert set(receiver.asked) == {("/v1/traces", f"Bearer {token}")}
    assert {span.trace_id for span in receiver.spans} == {TRACE_ID}

    good, failed = sorted((s for s in receiver.spans if s.name == "POST /orders/{user}"), key=lambda s: s.start)
    assert (good.service, good.kind, good.parent_id, good.error) == ("orders", SpanKind.SERVER, CALLER, False)
    assert good.attributes["http.route"] == "/orders/{user}"
    assert (failed.error, failed.attributes["error.type"]) == (True, "500")

    (charged,) = (s for s in receiver.spans if s.name == "POST /charges")
    (asked,) = (s for s in receiver.spans if s.span_id == charged.parent_id)
    assert (asked.service, asked.kind, asked.parent_id) == ("orders", SpanKind.CLIENT, good.span_id)
    assert asked.attributes["server.port"] == local_shop.urls[Role.PAYMENT].rpartition(":")[2]
    assert good.start <= asked.start <= charged.start
    assert good.duration_seconds >= asked.duration_seconds >= charged.duration_seconds > 0


def test_a_call_that_fails_says_why(local_shop, receiver: Receiver) -> None:
    with tracing("cart", receiver.url) as tracer:
        local_shop.urls[Role.CACHE] = "http://127.0.0.1:9"
        assert httpx.get(f"{local_shop.start(Role.CART, tracer=tracer)}/carts/u1").status_code == 502
    called, served = sorted(receiver.spans, key=lambda span: span.kind)
    assert (called.error, called.attributes["error.type"]) == (True, "SourceUnavailable")
    assert (served.error, served.attributes["http.response.status_code"]) == (True, "502")
    assert receiver.asked[0] == ("/v1/traces", ""), "without a token none is sent"


@pytest.mark.parametrize("silent", [True, False])
def test_handing_a_span_on_waits_for_no_receiver(receiver: Receiver, silent: bool) -> None:
    """More spans than the queue holds are handed on before the receiver has answered for the first of them."""
    receiver.silent = silent
    sender = SpanSender("payment", receiver.url if silent else "http://127.0.0.1:9")
    tracer = Tracer(SystemClock(), sender)
    for number in range(5000):
        with tracer.span(TraceContext.continued(""), Side.SERVER, f"{number}", {}) as outcome:
            outcome.code = 200
    assert not receiver.end.is_set()
    receiver.end.set()
    sender.close()


def test_the_sdk_is_loaded_only_where_spans_are_sent() -> None:
    code = (
        "import sys; from drills.shop.service import parse; parse(['--name=a', '--role=cache', '--port=9']);"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


def test_a_token_that_cannot_be_read_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--name=a", "--role=cache", "--port=9", "--otlp-token-file=/nowhere/token"])
    assert "/nowhere/token: No such file" in capsys.readouterr().err


async def test_a_service_whose_spans_are_refused_serves_and_logs_as_ever(tmp_path: Path, receiver: Receiver) -> None:
    receiver.status = 403
    ports: Ports = ports_of_a_drill()
    url = ports.url(Role.PAYMENT)
    line = ["--name=payment", "--role=payment", f"--port={ports.services[Role.PAYMENT]}"]
    argv = [sys.executable, "-P", "-m", "drills.shop.service", *line, f"--otlp-endpoint={receiver.url}/"]
    child = await Child.start("payment", argv, environment={}, folder=tmp_path)
    log = tmp_path / "payment.log"
    await eventually(lambda: "listening" in log.read_text())
    async with httpx.AsyncClient(timeout=2.0) as client:

        async def refused_twice() -> bool:
            assert (await client.post(f"{url}/charges", json={"amount_cents": 5})).status_code == 200
            return len(receiver.asked) >= 2

        await eventually(refused_twice)
    await child.stop()
    lines = [json.loads(text) for text in log.read_text().splitlines()]
    assert {each["level"] for each in lines} == {"info"}


async def test_a_drill_of_processes_sends_its_spans_to_quell() -> None:
    async with process_environment(find_scenario("hang"), 3, SystemClock()) as environment:
        settings = Settings.load(environment.folder / "quell.yaml")
        token = (environment.folder / "token").read_text()
    assert settings.server.token.get_secret_value() == token
    for process in settings.processes:
        for release in process.releases:
            config_line = list(release.argv or ())
            at = config_line.index("--otlp-endpoint")
            assert config_line[at + 1] == f"http://127.0.0.1:{settings.server.port}"
            assert config_line[at + 3] == str(environment.folder / "token")
