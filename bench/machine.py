"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine() -> str:
    """One line: cores, processor, memory, system, Python."""
    cores = len(os.sched_getaffinity(0))
    software = f"{platform.system()}, Python {platform.python_version()}"
    return f"{cores} cores, {_processor()}, {_memory_gib()} GiB, {software}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
