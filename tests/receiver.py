"""A real HTTP server on a free loopback port that keeps what it is sent and answers by a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What the server says to one request; `hold` keeps it silent until the receiver closes."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    hold: bool = False


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """What was received; `script` answers the next requests, afterwards all are answered 200."""

    def __init__(self, port: int, closing: threading.Event) -> None:
        self.requests: list[Received] = []
        self.script: list[Answer] = []
        self.origin = f"http://127.0.0.1:{port}"
        self._closing = closing
        self._lock = threading.Lock()

    def take(self, request: Received) -> Answer:
        """Keep a request; returns the answer it gets."""
        with self._lock:
            self.requests.append(request)
            answer = self.script.pop(0) if self.script else Answer()
        if answer.hold:
            self._closing.wait()
        return answer


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A running receiver, gone with all its threads at the end."""
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = running.take(Received(self.path, dict(self.headers), body))
            if answer.hold:
                return
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nothing on the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Receiver(server.server_port, closing)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield running
        finally:
            closing.set()
            server.shutdown()
            thread.join()
