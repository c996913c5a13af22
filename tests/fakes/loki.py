"""A Loki in memory behind real HTTP and WebSocket: as much of it as the log port and the tail ask for.

It is held to recordings of a real one in `tests/contracts/test_loki_recordings.py`.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.support import eventually

METADATA = frozenset({"detected_level", "trace_id"})
_MATCHER = re.compile(r'(\w+)=(~?)"((?:[^"\\]|\\.)*)"')
Labels = dict[str, str]


@dataclass(order=True, frozen=True)
class Line:
    """One line with the labels of its stream and what was attached to it."""

    nanoseconds: int
    text: str
    labels: Labels = field(compare=False)
    metadata: Labels = field(default_factory=dict, compare=False)


@dataclass
class Loki:
    """What it holds and how it behaves.

    Attributes:
        tenant: that must be named; empty: none.
        max_lines: `max_entries_limit_per_query`.
        silent: lines are stored but not sent to tails, as when a tail is broken.
    """

    lines: list[Line] = field(default_factory=list)
    tenant: str = ""
    max_lines: int = 5000
    silent: bool = False
    url: str = ""
    asked: list[str] = field(default_factory=list)
    tails: list[tuple[ServerConnection, dict[str, str]]] = field(default_factory=list)
    generator: random.Random = field(default_factory=lambda: random.Random(7))

    async def push(self, lines: Iterable[Line]) -> None:
        """Store lines and send them to who tails."""
        new = list(lines)
        self.lines += new
        for connection, query in [] if self.silent else list(self.tails):
            chosen = [line for line in new if _selects(query["query"], line.labels)]
            if chosen:
                with contextlib.suppress(ConnectionClosed):
                    streams = [_stream(line, {**line.labels, **line.metadata}, [line.text]) for line in chosen]
                    await connection.send(json.dumps({"streams": streams}))

    async def drop(self) -> None:
        """Break every tail."""
        for connection, _ in list(self.tails):
            connection.transport.abort()
        await eventually(lambda: not self.tails)

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer plain HTTP; None lets a tail be upgraded."""
        parts = urlsplit(request.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.asked.append(request.path)
        if self.tenant and request.headers.get("X-Scope-OrgID") != self.tenant:
            return _text(401, "no org id\n")
        if parts.path == "/loki/api/v1/tail" and "Upgrade" in request.headers:
            return None
        if parts.path == "/loki/api/v1/query_range":
            categorised = request.headers.get("X-Loki-Response-Encoding-Flags") == "categorize-labels"
            return self._query_range(query, categorised)
        if parts.path == "/loki/api/v1/labels":
            names = sorted({name for line in self.lines for name in line.labels})
            return _json({"status": "success", **({"data": names} if names else {})})
        if parts.path == "/loki/api/v1/status/buildinfo":
            return _json({"version": "3.7.6"})
        return _text(404, "404 page not found\n")

    async def tail(self, connection: ServerConnection) -> None:
        """One tail: history, then whatever is pushed."""
        assert connection.request is not None
        query = {name: values[-1] for name, values in parse_qs(urlsplit(connection.request.path).query).items()}
        if not query["query"].startswith("{"):
            await connection.close(1011, "only log selector is supported")
            return
        self.tails.append((connection, query))
        try:
            start, limit = int(query.get("start", 0)), int(query.get("limit", 100))
            history = sorted(self._select(query["query"], start, 1 << 62))[-limit:]
            if history:
                streams = [_stream(line, {**line.labels, **line.metadata}, [line.text]) for line in history]
                await connection.send(json.dumps({"streams": streams}))
            await connection.wait_closed()
        finally:
            self.tails.remove((connection, query))

    def _query_range(self, query: dict[str, str], categorised: bool) -> Response:
        start, end, limit = int(query["start"]), int(query["end"]), int(query.get("limit", 100))
        direction = query.get("direction", "backward")
        if direction not in ("forward", "backward"):
            return _text(400, f"invalid direction '{direction}'")
        if end <= start:
            return _text(400, "end timestamp must not be before or equal to start time")
        if limit <= 0:
            return _text(400, "limit must be a positive value")
        if limit > self.max_lines:
            what = "max entries limit per query exceeded, limit > max_entries_limit_per_query"
            return _text(400, f"{what} ({limit} > {self.max_lines})")
        found = self._select(query["query"], start, end)
        self.generator.shuffle(found)  # which of equal times are cut, and in which order they come, is anybody's guess
        found.sort(key=lambda line: line.nanoseconds, reverse=direction == "backward")
        streams: dict[str, Any] = {}
        for line in found[:limit]:
            labels = line.labels if categorised else {**line.labels, **line.metadata}
            rest: list[Any] = [{"structuredMetadata": line.metadata} if line.metadata else {}] if categorised else []
            stream = streams.setdefault(json.dumps(labels, sort_keys=True), {"stream": labels, "values": []})
            stream["values"].append([str(line.nanoseconds), line.text, *rest])
        return _json({"status": "success", "data": {"resultType": "streams", "result": list(streams.values())}})

    def _select(self, query: str, start: int, end: int) -> list[Line]:
        return [line for line in self.lines if start <= line.nanoseconds < end and _selects(query, line.labels)]


@contextlib.asynccontextmanager
async def loki(lines: Iterable[Line] = (), **behaviour: Any) -> AsyncIterator[Loki]:
    """A running server, gone at the end."""
    server = Loki(list(lines), **behaviour)
    async with serve(server.tail, "127.0.0.1", 0, process_request=server.refuse, close_timeout=0.2) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"http://127.0.0.1:{port}"
        yield server


def _selects(query: str, labels: Labels) -> bool:
    for name, pattern, value in _MATCHER.findall(query):
        wanted = re.sub(r"\\(.)", r"\1", value)
        have = labels.get(name, "")
        if not (re.fullmatch(wanted, have) if pattern else have == wanted):
            return False
    return True


def _stream(line: Line, labels: Labels, rest: list[Any]) -> dict[str, Any]:
    return {"stream": labels, "values": [[str(line.nanoseconds), *rest]]}


def _json(document: Any) -> Response:
    return _response(200, "application/json; charset=UTF-8", json.dumps(document))


def _text(status: int, text: str) -> Response:
    return _response(status, "text/plain; charset=utf-8", text)


def _response(status: int, content_type: str, text: str) -> Response:
    body = text.encode()
    headers = Headers([("Content-Type", content_type), ("Content-Length", str(len(body))), ("Connection", "close")])
    return Response(status, HTTPStatus(status).phrase, headers, body)
