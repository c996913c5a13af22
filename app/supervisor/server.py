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
    """uvicorn that leaves signals alone: it would raise them again before the processes are ended."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run_supervisor(specs: Sequence[ProcessSpec], socket_path: Path, logs_dir: Path, clock: Clock) -> None:
    """Start the processes and serve the socket until SIGINT, SIGTERM or cancellation; then end the processes.

    Must run in the main thread, on whose life that of the processes depends. The journal lies beside the socket.

    Raises:
        Conflict: another supervisor owns the socket.
        ConfigError: the socket path cannot be used.
        StoreUnavailable: the journal cannot be used.
    """
    with _end_signals() as ended, claim_socket(socket_path) as bound:
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
            await _serve(_Server(config), bound, ended)


@contextlib.contextmanager
def _end_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set, from before the first process starts until after the last has ended."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, ended.set)
    try:
        yield ended
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _serve(server: _Server, bound: socket.socket, ended: asyncio.Event) -> None:
    """Serve until the event; when cancelled too, the server ends in order, or its socket would stay in the loop."""
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    waiting = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        server.should_exit = True
        await serving
