"""A service's metrics, served as services do."""

from __future__ import annotations

import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app


class Exporter:
    """`prometheus_client.start_http_server` without the half second that it takes to stop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._server: WSGIServer = make_server("127.0.0.1", 0, make_wsgi_app(registry), handler_class=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where its metrics are."""
        return f"http://127.0.0.1:{self._server.server_port}/metrics"

    def stop(self) -> None:
        """Its port is closed afterwards."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Requests of tests are no news."""
