"""Supervisors for tests: in a process of their own, as users run them, or inside the test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from app.supervisor.server import run_supervisor
from clients.processes.client import SupervisorClient
from clients.processes.wire import ProcessSpec, Release, SupervisorStatus
from core.clock import SystemClock
from core.errors import SourceUnavailable
from tests.support import eventually

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import asyncio, sys
from pathlib import Path
from pydantic import TypeAdapter
from app.supervisor.server import run_supervisor
from clients.processes.wire import ProcessSpec
from core.clock import SystemClock
specs = TypeAdapter(list[ProcessSpec]).validate_json(sys.argv[1])
folder = Path(sys.argv[2])
asyncio.run(run_supervisor(specs, folder / "s.sock", folder / "logs", SystemClock()))
"""


SLEEPER = ProcessSpec(name="payment", argv=("sleep", "600"), stop_grace_seconds=1)
RELEASED = ProcessSpec(
    name="payment",
    argv=(sys.executable, "-c", "import os, time; print(os.environ['GREETING'], flush=True); time.sleep(600)"),
    environment={"GREETING": "none"},
    releases=(
        Release(version="v1", environment={"GREETING": "hello from v1"}),
        Release(version="v2", environment={"GREETING": "hello from v2"}),
        Release(version="v3", argv=("no-such-program",)),
    ),
    release="v1",
    stop_grace_seconds=1,
)


@contextlib.asynccontextmanager
async def supervising(folder: Path, *specs: ProcessSpec) -> AsyncIterator[SupervisorClient]:
    """A supervisor inside this event loop; quicker, for what does not need its death."""
    client = SupervisorClient(folder / "s.sock")
    task = asyncio.create_task(run_supervisor(specs, folder / "s.sock", folder / "logs", SystemClock()))
    try:
        await eventually(lambda: task.done() or _answer(client))
        yield client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _answer(client: SupervisorClient) -> SupervisorStatus | None:
    with contextlib.suppress(SourceUnavailable):
        return await client.status()
    return None


class RunningSupervisor:
    """Starts and kills real supervisors on one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = SupervisorClient(folder / "s.sock")
        self._started: list[subprocess.Popen[bytes]] = []

    async def start(self, *specs: ProcessSpec) -> subprocess.Popen[bytes]:
        """Start one and wait until it answers."""
        process = self.launch(specs)
        assert (await eventually(lambda: _answer(self.client))).pid == process.pid
        return process

    def launch(self, specs: Sequence[ProcessSpec]) -> subprocess.Popen[bytes]:
        """Start one without waiting."""
        given = "[" + ",".join(spec.model_dump_json() for spec in specs) + "]"
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, given, str(self.folder)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill what is left."""
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)


def gone(pid: int) -> bool:
    """Whether a process has ended (an unreaped zombie counts as ended)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def suspend(pid: int) -> None:
    """SIGSTOP."""
    os.kill(pid, signal.SIGSTOP)
