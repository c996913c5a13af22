"""Keeping the output files of processes from growing without end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MAX_LOG_BYTES = 64 * 1024 * 1024


def rotate(path: Path, max_bytes: int = MAX_LOG_BYTES) -> bool:
    """Copy a file that is too long to ``<path>.1`` and empty it; True when that was done.

    The writer keeps its descriptor (opened for appending), so the file is emptied rather than replaced. Lines written
    between the copy and the truncation are lost.

    Raises:
        OSError: the copy cannot be made; the file is left as it is.
    """
    if path.stat().st_size <= max_bytes:
        return False
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True
