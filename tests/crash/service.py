"""A plain web service for the crash tests: answers 200, or 500 while its flaw file exists or its upstream fails."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from prometheus_client import Counter, Histogram, exposition

REQUESTS = Counter("http_requests_total", "requests", ["code"])
SECONDS = Histogram("http_request_duration_seconds", "latency")


def serve(port: int, flaw: Path, upstream: str) -> None:
    """Serve for ever; an empty upstream means that none is called."""

    client = httpx.Client(timeout=1.0, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, exposition.generate_latest())
                return
            if self.path == "/healthz":
                self._answer(200, b"ok")
                return
            with SECONDS.time():
                code = 500 if flaw.exists() or not self._upstream_answers() else 200
            REQUESTS.labels(str(code)).inc()
            self._answer(code, b"")

        def _upstream_answers(self) -> bool:
            if not upstream:
                return True
            try:
                return client.get(upstream).is_success
            except httpx.HTTPError:
                return False

        def _answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
