"""A real HTTP server on loopback that answers by a function, well or badly."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

TLS_HANDSHAKE = b"\x16"
"""How a client begins that expects TLS (RFC 8446, 5.1)."""


@dataclass(frozen=True)
class Asked:
    """One request; header names in lower case."""

    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]

    def one(self, name: str) -> str:
        """The value of a parameter that was given once."""
        (value,) = self.query[name]
        return value


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        cut: the connection ends after half of the body that was promised.
        hold: nothing is ever sent.
        drip: after the headers, a byte now and then for ever.
    """

    body: bytes = b"{}"
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hold: bool = False
    drip: bool = False


class Wire:
    """What was asked, and what answers; `answer` may be replaced at any time."""

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one exchange."""
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                begin = await reader.readexactly(1)
                if begin == TLS_HANDSHAKE:
                    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    return
                head = (begin + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.splitlines()
                parts = urlsplit(first.split(" ")[1])
                pairs = (line.split(":", 1) for line in lines if ":" in line)
                headers = {name.lower(): value.strip() for name, value in pairs}
                asked = Asked(unquote(parts.path), parse_qs(parts.query, keep_blank_values=True), headers)
                self.asked.append(asked)
                await self._send(writer, self.answer(asked))
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        if reply.hold:
            await asyncio.Event().wait()
        length = "1000000" if reply.drip else str(len(reply.body))
        headers = {"Content-Type": reply.content_type, "Content-Length": length, "Connection": "close"} | reply.headers
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        writer.write(reply.body[: len(reply.body) // 2] if reply.cut else b"" if reply.drip else reply.body)
        await writer.drain()
        while reply.drip:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def wire(answer: Callable[[Asked], Reply], *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """A running server, gone with its connections at the end."""
    served = Wire(answer)
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with contextlib.suppress(asyncio.CancelledError):  # the end of the server, which asyncio would log
            await served.handle(reader, writer)
        connections.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    served.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
