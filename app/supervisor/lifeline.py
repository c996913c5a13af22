"""What makes children end with the supervisor, even when it is killed with SIGKILL.

Two means, since each has a gap: PR_SET_PDEATHSIG (prctl(2)) reaches a direct child only, at once, suspended or not; the
guardian, a process that waits for the end of a pipe held by the supervisor, reaches whole process groups, but can be
killed itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import structlog

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A `preexec_fn`: the child gets SIGKILL, or another signal, when the thread that forked it ends.

    It runs between fork and exec, so it takes no lock and imports nothing.
    """
    parent = os.getpid()

    def bind() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the call above
            os.kill(os.getpid(), number)

    return bind


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group; a group that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


class Guardian:
    """A process that kills the groups it was told of once the supervisor is gone. Make it with `start`."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: int) -> None:
        self._process = process
        self._pipe = pipe

    @classmethod
    async def start(cls) -> Self:
        """Start it in a session of its own, so that Ctrl-C in a terminal does not reach it."""
        program = Path(__file__).with_name("guardian.py")
        reader, writer = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(program),
                stdin=reader,
                stdout=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(reader)
        return cls(process, writer)

    def watch(self, group: int) -> None:
        """Kill this group in the end."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended; its number may be given to others."""
        self._tell(f"-{group}\n")

    async def close(self) -> None:
        """End it; groups that are still watched are killed."""
        os.close(self._pipe)
        await self._process.wait()

    def _tell(self, line: str) -> None:
        try:
            os.write(self._pipe, line.encode())
        except BrokenPipeError:
            log.warning("guardian_lost", detail="grandchildren may outlive the supervisor if it is killed")
