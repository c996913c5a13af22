"""A small threaded web service: routes, a bounded number of workers, request metrics and JSON logs.

Business requests share `workers` slots, as in any server with a worker pool. `/metrics` and `/healthz` need none, so a
service whose workers are all busy still says so.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TextIO
from urllib.parse import parse_qsl, urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from core.clock import Clock
from core.errors import InvalidInput, SourceRejected, SourceUnavailable
from drills.shop.roles import LOOPBACK, ServiceConfig
from drills.shop.tracing import Side, TraceContext

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped

SLOT_WAIT_SECONDS = 0.5
"""How long a request waits for a free worker before it is turned away."""

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler sees: path variables, query, JSON body and the span to pass on."""

    variables: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    trace: TraceContext


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers."""

    body: Mapping[str, Any]
    code: int = 200


Handler = Callable[[Request], Reply]


class Route:
    """A method and a path such as ``/carts/{user}`` with the handler behind it."""

    def __init__(self, method: str, template: str, handler: Handler) -> None:
        self.method = method
        self.template = template
        self.handler = handler
        self._pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template))

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """Path variables, or None when the request is for another route."""
        match = self._pattern.fullmatch(path) if method == self.method else None
        return match.groupdict() if match else None


class JsonLog:
    """One JSON object a line: ``ts`` (UTC, ISO 8601), ``level``, ``msg``, ``service``, ``trace_id`` and details."""

    def __init__(self, service: str, clock: Clock, stream: TextIO = sys.stdout) -> None:
        self._service = service
        self._clock = clock
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, level: str, msg: str, trace_id: str = "", **details: str | int | float) -> None:
        """Write and flush one line."""
        line = {"ts": self._clock.now().isoformat(), "level": level, "msg": msg, "service": self._service}
        text = json.dumps({**line, "trace_id": trace_id, **details})
        with self._lock:
            self._stream.write(text + "\n")
            self._stream.flush()


class Application:
    """Routes requests to handlers and keeps the numbers and the log."""

    def __init__(self, routes: tuple[Route, ...], config: ServiceConfig, log: JsonLog, clock: Clock) -> None:
        self._routes = routes
        self._slots = threading.BoundedSemaphore(config.workers)
        self._log = log
        self._clock = clock
        self._tracer = config.tracer
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        if config.memory_limit_bytes:
            limit = Gauge("container_spec_memory_limit_bytes", "What it may use", registry=self.registry)
            limit.set(config.memory_limit_bytes)
        self._requests = Counter(
            "http_requests_total", "Requests answered", ("method", "route", "code"), registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer, waiting for a worker included",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def answer(self, method: str, target: str, body: bytes, traceparent: str) -> Reply:
        """Answer one business request; whatever goes wrong becomes a status code and a log line."""
        trace = TraceContext.continued(traceparent)
        url = urlsplit(target)
        began = self._clock.monotonic()
        for route in self._routes:
            variables = route.match(method, url.path)
            if variables is not None:
                break
        else:
            return Reply({"error": "no such route"}, 404)
        asked = {"http.request.method": method, "http.route": route.template}
        with self._tracer.span(trace, Side.SERVER, f"{method} {route.template}", asked) as outcome:
            reply = self._work(route, variables, dict(parse_qsl(url.query)), body, trace)
            outcome.code = reply.code
        seconds = self._clock.monotonic() - began
        self._requests.labels(method, route.template, str(reply.code)).inc()
        self._seconds.labels(method, route.template).observe(seconds)
        if reply.code < 500:
            message = f"{method} {route.template} answered {reply.code}"
            self._log.write("info", message, trace.trace_id, seconds=round(seconds, 4))
        return reply

    def _work(
        self, route: Route, variables: Mapping[str, str], query: Mapping[str, str], body: bytes, trace: TraceContext
    ) -> Reply:
        where = f"{route.method} {route.template}"
        if not self._slots.acquire(timeout=SLOT_WAIT_SECONDS):
            self._log.write("error", f"{where} turned away: all workers are busy", trace.trace_id)
            return Reply({"error": "all workers are busy"}, 503)
        try:
            return route.handler(Request(variables, query, json.loads(body or b"{}"), trace))
        except (InvalidInput, json.JSONDecodeError) as error:
            return Reply({"error": str(error)}, 400)
        except SourceRejected as error:
            return Reply({"error": str(error)}, 409)
        except SourceUnavailable as error:
            self._log.write("error", f"{where} failed: {error}", trace.trace_id)
            return Reply({"error": str(error)}, 502)
        except Exception as error:  # noqa: BLE001  # the boundary of a request: the service must answer
            failure = f"{where} raised {type(error).__name__}: {error}"
            self._log.write("error", failure, trace.trace_id, stack=traceback.format_exc())
            return Reply({"error": "internal error"}, 500)
        finally:
            self._slots.release()


class Server(ThreadingHTTPServer):
    """Serves an application on a port (0: any free one) of one address, one thread a connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, application: Application, port: int, host: str = LOOPBACK) -> None:
        self.application = application
        super().__init__((host, port), _Connection)


class _Connection(BaseHTTPRequestHandler):
    server: Server
    wbufsize = -1  # one segment an answer: two small writes meet Nagle's algorithm and wait 40 ms

    def _answer(self) -> None:
        if self.path == "/metrics":
            return self._send(200, CONTENT_TYPE_LATEST, generate_latest(self.server.application.registry))
        if self.path == "/healthz":
            return self._send(200, "application/json", b'{"status": "ok"}')
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        reply = self.server.application.answer(self.command, self.path, body, self.headers.get("traceparent") or "")
        return self._send(reply.code, "application/json", json.dumps(reply.body).encode())

    do_GET = do_POST = do_PUT = _answer  # noqa: N815  # http.server names them so

    def _send(self, code: int, content_type: str, content: bytes) -> None:
        self.send_response(code)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Silence http.server's own access log: the application writes a better one."""
