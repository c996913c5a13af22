"""One service calling another: JSON over HTTP, bounded in time, with the trace passed on."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from core.errors import SourceRejected, SourceUnavailable
from drills.shop.roles import Role, ServiceConfig
from drills.shop.tracing import Attributes, Outcome, Side, TraceContext

Json = dict[str, Any]


class Dependencies:
    """The services that one service calls. Safe to share between threads: every call has a connection of its own."""

    def __init__(self, config: ServiceConfig) -> None:
        self._urls: Mapping[Role, str] = config.dependencies
        self._timeout_seconds = config.timeout_seconds
        self._tracer = config.tracer

    def call(self, role: Role, method: str, target: str, trace: TraceContext, body: Json | None = None) -> Json:
        """Call a dependency and return its JSON answer.

        Raises:
            SourceUnavailable: refused, cut off, late, or 5xx.
            SourceRejected: 4xx.
        """
        address = urlsplit(self._urls[role])
        asked: Attributes = {
            "http.request.method": method,
            "server.address": address.hostname or "",
            "server.port": address.port or http.client.HTTP_PORT,
        }
        own = trace.child()
        with self._tracer.span(own, Side.CLIENT, method, asked) as outcome:
            return self._exchange(address.netloc, method, target, own, body, outcome)

    def _exchange(
        self, peer: str, method: str, target: str, trace: TraceContext, body: Json | None, outcome: Outcome
    ) -> Json:
        connection = http.client.HTTPConnection(peer, timeout=self._timeout_seconds)
        headers = {"content-type": "application/json", "traceparent": trace.traceparent}
        try:
            connection.request(method, target, body=json.dumps(body) if body is not None else None, headers=headers)
            reply = connection.getresponse()
            content = reply.read()
        except TimeoutError as error:
            raise SourceUnavailable(f"{peer} did not answer within {self._timeout_seconds} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise SourceUnavailable(f"{peer} cannot be reached: {error or type(error).__name__}") from error
        finally:
            connection.close()
        outcome.code = reply.status
        if reply.status >= 500:
            raise SourceUnavailable(f"{peer} answered {reply.status} to {method} {target}")
        if reply.status >= 400:
            raise SourceRejected(f"{peer} answered {reply.status} to {method} {target}")
        answer: Json = json.loads(content)
        return answer
