"""The guardian's program: reads ``+group`` and ``-group`` lines, and at the end of its input kills what is left.

Started by `app.supervisor.lifeline`; imports next to nothing, as it runs all the time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def guard() -> None:
    """Follow standard input to its end, then kill every group that was not taken back."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guard()
