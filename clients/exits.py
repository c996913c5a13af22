"""How processes end, in words."""

from __future__ import annotations

import signal


def exit_detail(code: int) -> str:
    """How a process ended; a negative code is the number of the signal that killed it."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
