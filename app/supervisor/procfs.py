"""What Linux says of a process (proc(5): /proc/pid/stat)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SUSPENDED = "Tt"
_GONE = "ZX"


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """One look at a process: suspended by a signal or a tracer, CPU seconds used so far, resident bytes."""

    suspended: bool
    cpu_seconds: float
    memory_bytes: int


def read_stat(pid: int) -> ProcessStat | None:
    """Look at a process; None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Fields are numbered from 1 in proc(5); the name (field 2) may hold anything, even ") R".
    fields = text.rpartition(")")[2].split()
    state = fields[0]
    if state in _GONE:
        return None
    ticks = int(fields[14 - 3]) + int(fields[15 - 3])
    return ProcessStat(state in _SUSPENDED, ticks / TICKS_PER_SECOND, int(fields[24 - 3]) * PAGE_BYTES)


class CpuMeter:
    """CPU use between looks.

    The kernel counts in ticks of 10 ms, so looks that follow each other too quickly repeat the last answer.
    """

    MIN_SECONDS = 0.5

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._percent: float | None = None

    def look(self, cpu_seconds: float, at_seconds: float) -> float | None:
        """Percent of one core since the look before; None at the first one.

        Args:
            cpu_seconds: used so far.
            at_seconds: monotonic time of the look.
        """
        if self._last is None:
            self._last = (cpu_seconds, at_seconds)
        elif at_seconds - self._last[1] >= self.MIN_SECONDS:
            self._percent = 100.0 * (cpu_seconds - self._last[0]) / (at_seconds - self._last[1])
            self._last = (cpu_seconds, at_seconds)
        return self._percent
