"""A TCP proxy between a service and one that it calls, for the network that gets slow."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from core.clock import Clock
from drills.shop.roles import Role

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Link:
    """The way from a caller to one of the services that it calls."""

    caller: Role
    callee: Role


class DelayingProxy:
    """Passes connections on to one address; what flows towards it arrives `delay_seconds` later, in order.

    Args:
        target: host and port behind the proxy.
    """

    def __init__(self, target: tuple[str, int], clock: Clock) -> None:
        self.delay_seconds = 0.0
        self._target = target
        self._clock = clock
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None, "not started"  # noqa: S101  # a mistake of the caller
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many it passes on now."""
        return len(self._connections)

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes any that is free.

        Raises:
            OSError: the address is taken.
        """
        self._server = await asyncio.start_server(self._pass_on, host, port)

    async def stop(self) -> None:
        """Close the port and cut all connections."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a running coroutine has one
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._connect(reader, writer)
        finally:
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        try:
            async with asyncio.TaskGroup() as group:
                queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
                group.create_task(self._receive(reader, queue))
                group.create_task(self._send_late(queue, back))
                group.create_task(_copy(there, writer))
        except* OSError:
            writer.transport.abort()  # one side hung up: so must the other
        finally:
            back.close()

    async def _receive(self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        """Note when each chunk is due; an empty one is the end."""
        while True:
            chunk = await reader.read(_CHUNK_BYTES)
            queue.put_nowait((self._clock.monotonic() + self.delay_seconds, chunk))
            if not chunk:
                return

    async def _send_late(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, chunk = await queue.get()
            await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            if not chunk:
                return writer.write_eof()
            writer.write(chunk)
            await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()
