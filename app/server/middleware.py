"""What every request passes, from the outside in: tracing, authentication, the limit of its body.

Plain ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html), so that nothing is buffered and no error is changed.
"""

from __future__ import annotations

import hashlib
import hmac

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import Metrics
from app.server.errors import ErrorBody, error_response, internal_error
from app.telemetry import incoming_trace_id
from core.clock import Clock

log = structlog.get_logger(__name__)

TRACE_HEADER = "X-Trace-ID"
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What needs no token: it says nothing but whether Quell lives."""

_BEARER = b"bearer "


class Tracing:
    """Gives every request a trace id, every response the header that names it, and counts both.

    The boundary of a request: what nobody caught is logged here and answered without details.
    """

    def __init__(self, app: ASGIApp, clock: Clock, metrics: Metrics) -> None:
        self._app = app
        self._clock = clock
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = incoming_trace_id(Headers(scope=scope))
        began = self._clock.monotonic()
        status = 0

        async def send_traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[TRACE_HEADER] = trace_id
            await send(message)

        with structlog.contextvars.bound_contextvars(trace_id=trace_id):
            try:
                await self._app(scope, receive, send_traced)
            except Exception:  # a request's boundary: one bug must not end the server
                log.exception("request_failed", method=scope["method"], path=scope["path"])
                if status:
                    raise  # half a response is out: only cutting the connection tells the client
                await internal_error()(scope, receive, send_traced)
            seconds = self._clock.monotonic() - began
            route = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.observe_request(scope["method"], route, status, seconds)
            log.debug("request", method=scope["method"], route=route, status=status, seconds=round(seconds, 4))


class Authentication:
    """Lets through who has the token (RFC 6750), and everybody to `OPEN_PATHS`."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._digest = _digest(token.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._knows(scope):
            await self._app(scope, receive, send)
            return
        fix = "send the header `Authorization: Bearer TOKEN`; the token is in <data_dir>/token of the server"
        await error_response(401, ErrorBody(error="no token, or the wrong one", fix=fix))(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        """Compares digests, so that neither content nor length of the token can be told from the time taken."""
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        is_bearer = given[: len(_BEARER)].lower() == _BEARER
        return hmac.compare_digest(_digest(given[len(_BEARER) :].strip()), self._digest) and is_bearer


class BodyLimit:
    """Refuses bodies above a size, by their declared length or, when they come in chunks, once they exceed it."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            body = ErrorBody(error=self._refusal, fix="send less at once, or raise server.max_body_bytes")
            await error_response(413, body, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, self._counting(receive), send)

    @property
    def _refusal(self) -> str:
        return f"the body is larger than {self._max_bytes} bytes"

    def _counting(self, receive: Receive) -> Receive:
        total = 0

        async def receive_counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self._max_bytes:
                raise HTTPException(413, self._refusal, {"Connection": "close"})
            return message

        return receive_counted


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
