"""A real HTTP server whose answer a test can change."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page:
    """What the server answers: text, a status, and something to do before the body is sent (wait, send forever)."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.status = 200
        self.before_body: Callable[[BaseHTTPRequestHandler], None] = lambda _: None
        self.url = ""


@contextlib.contextmanager
def serving(page: Page, port: int = 0) -> Iterator[Page]:
    """Serve the page at `page.url` on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                self.send_response(page.status)
                self.end_headers()
                page.before_body(self)
                self.wfile.write(page.text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        page.url = f"http://127.0.0.1:{server.server_port}/metrics"
        try:
            yield page
        finally:
            server.shutdown()
            thread.join()
