"""One process: started, watched and ended; never restarted by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from app.supervisor.lifeline import Guardian, die_with_parent, signal_group
from app.supervisor.procfs import CpuMeter, ProcessStat, read_stat
from clients.processes.wire import ProcessSpec
from core.clock import Clock
from core.errors import ActuatorError

log = structlog.get_logger(__name__)

_BASE_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Run:
    """One life of a process, from its start."""

    process: asyncio.subprocess.Process
    started_at: datetime
    started_monotonic: float
    cpu: CpuMeter

    @property
    def pid(self) -> int:
        """Its id, which is also the id of its process group."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it lives; negative: killed by that signal."""
        return self.process.returncode


class Child:
    """A declared process and its current, or last, life.

    Args:
        spec: what to run.
        log_path: file that gets its standard output and error.
        on_exit: called with the exit code when it ends without having been asked to.
    """

    def __init__(
        self, spec: ProcessSpec, log_path: Path, guardian: Guardian, clock: Clock, on_exit: Callable[[int], None]
    ) -> None:
        self.spec = spec
        self.log_path = log_path
        self.run: Run | None = None
        self.starts = 0
        self.stopped = False
        self.start_error = ""
        self._was_healthy = False
        self._guardian = guardian
        self._clock = clock
        self._on_exit = on_exit
        self._watcher: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self.run is not None and self.run.exit_code is None

    @property
    def age_seconds(self) -> float:
        """Seconds since it was started; 0 when it never was."""
        return self._clock.monotonic() - self.run.started_monotonic if self.run else 0.0

    def starting(self, healthy: bool) -> bool:
        """Whether it is still in the time it may take to become healthy, given what its health check just said."""
        self._was_healthy |= healthy
        check = self.spec.health
        return check is not None and not self._was_healthy and self.age_seconds < check.start_seconds

    async def start(self, release: str) -> Run:
        """Start it as that release.

        Raises:
            ActuatorError: it cannot be started; the reason stays in `start_error`.
        """
        argv, environment = command(self.spec, release)
        try:
            process = await self._spawn(argv, environment)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.start_error = _why_not(self.spec, argv, error)
            raise ActuatorError(
                f"{self.spec.name} cannot be started: {self.start_error}",
                fix=f"correct argv, working_directory or PATH of process {self.spec.name} in quell.yaml",
            ) from error
        self._guardian.watch(process.pid)
        self.run = Run(process, self._clock.now(), self._clock.monotonic(), CpuMeter())
        self.starts += 1
        self.stopped = False
        self.start_error = ""
        self._was_healthy = False
        self._watcher = asyncio.create_task(self._watch(self.run))
        return self.run

    async def stop(self) -> None:
        """SIGTERM to its group (continued if suspended), SIGKILL after the grace; returns when it has ended."""
        self.stopped = True
        if self.run is None or self._watcher is None:
            return
        if self.alive:
            signal_group(self.run.pid, signal.SIGCONT)
            signal_group(self.run.pid, signal.SIGTERM)
        done, _ = await asyncio.wait({self._watcher}, timeout=self.spec.stop_grace_seconds)
        if not done:
            signal_group(self.run.pid, signal.SIGKILL)
        await self._watcher

    async def ended(self) -> None:
        """Wait until it has ended and its exit code is known; returns at once when it never started."""
        if self._watcher is not None:
            await asyncio.shield(self._watcher)

    def look(self) -> tuple[ProcessStat | None, float | None]:
        """What the system says of it, and its CPU use since the last look, in percent of one core."""
        if self.run is None or not self.alive:
            return None, None
        stat = read_stat(self.run.pid)
        if stat is None:
            return None, None
        return stat, self.run.cpu.look(stat.cpu_seconds, self._clock.monotonic())

    async def _spawn(self, argv: tuple[str, ...], environment: dict[str, str]) -> asyncio.subprocess.Process:
        with self.log_path.open("ab") as log_file:
            return await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_file,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.spec.working_directory,
                env=environment,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    async def _watch(self, run: Run) -> None:
        code = await run.process.wait()
        signal_group(run.pid, signal.SIGKILL)  # what it started and left behind could hold its port
        self._guardian.forget(run.pid)
        log.info("process_ended", process=self.spec.name, pid=run.pid, exit_code=code, asked=self.stopped)
        if not self.stopped:
            self._on_exit(code)


def command(spec: ProcessSpec, release: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Arguments and whole environment of a release; the supervisor's own environment is not passed on, since it may
    hold secrets."""
    chosen = next((one for one in spec.releases if one.version == release), None)
    own = chosen.environment if chosen else {}
    argv = chosen.argv if chosen and chosen.argv else spec.argv
    return argv, {**_BASE_ENVIRONMENT, **spec.environment, **own}


def _why_not(spec: ProcessSpec, argv: tuple[str, ...], error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and error.filename == str(spec.working_directory):
        return f"no such working_directory: {spec.working_directory}"
    if isinstance(error, FileNotFoundError):
        return f"no such program: {argv[0]}"
    if isinstance(error, PermissionError):
        return f"not executable: {argv[0]}"
    return str(error)
