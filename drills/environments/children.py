"""Child processes that cannot outlive their parent, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Self

from app.supervisor.lifeline import die_with_parent
from core.errors import SourceUnavailable

STOP_SECONDS = 5.0
"""What a child gets between SIGTERM and SIGKILL."""


class Child:
    """A process in a session of its own, so that Ctrl-C reaches the parent alone, which then stops it in order.

    The kernel kills it when its parent dies, SIGKILL of the parent included.
    """

    def __init__(self, process: asyncio.subprocess.Process, name: str, log: Path) -> None:
        self._process = process
        self._name = name
        self._log = log

    @classmethod
    async def start(
        cls,
        name: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
    ) -> Self:
        """Start a process in `folder`; its output goes to ``<folder>/<name>.log``."""
        log = folder / f"{name}.log"
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=environment,
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        return cls(process, name, log)

    @property
    def name(self) -> str:
        """What it is called in errors and in its log's name."""
        return self._name

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def check(self) -> None:
        """Make sure that it still runs.

        Raises:
            SourceUnavailable: it has ended; tells the last line that it wrote.
        """
        if self._process.returncode is None:
            return
        written = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise SourceUnavailable(
            f"{self._name} ended with code {self._process.returncode}: {written[-1] if written else 'no output'}"
        )

    async def stop(self, grace_seconds: float | None = None) -> None:
        """End it, politely at first."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_seconds or STOP_SECONDS)
        except TimeoutError:
            self._process.send_signal(SIGKILL)
            await self._process.wait()
