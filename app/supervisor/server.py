"""Running the supervisor: socket, journal, processes and API, from start to orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog
import uvicorn

from app.supervisor.api import create_supervisor_api
from app.supervisor.endpoint import claim_socket
from app.supervisor.journal import Journal
from app.supervisor.supervisor import Supervisor
from clients.processes.wire import ProcessSpec
from core.clock import Clock

log = structlog.get_logger(__name__)

OPEN_REQUESTS_SECONDS = 2


class _Server(uvicorn.Server):
    """uvicorn that ends on SIGINT and SIGTERM without raising them again, so that the processes can be ended first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        self.should_exit = True


async def run_supervisor(specs: Sequence[ProcessSpec], socket_path: Path, logs_dir: Path, clock: Clock) -> None:
    """Start the processes and serve the socket until SIGINT, SIGTERM or cancellation; then end the processes.

    Must run in the main thread, on whose life that of the processes depends. The journal lies beside the socket.

    Raises:
        Conflict: another supervisor owns the socket.
        ConfigError: the socket path cannot be used.
        StoreUnavailable: the journal cannot be used.
    """
    with claim_socket(socket_path) as bound:
        journal = Journal.open(socket_path.with_suffix(".journal"), clock.now())
        async with Supervisor(specs, journal, logs_dir, clock) as supervisor:
            log.info("supervisor_ready", socket=str(socket_path), processes=[spec.name for spec in specs])
            config = uvicorn.Config(
                create_supervisor_api(supervisor),
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=OPEN_REQUESTS_SECONDS,
            )
            await _serve(_Server(config), bound)


async def _serve(server: _Server, bound: socket.socket) -> None:
    """Serve until the server ends; when cancelled, end it in order first, or its socket would stay in the loop."""
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
