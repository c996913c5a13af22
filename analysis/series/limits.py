"""Resources that fill up: what piles up in them, and the signal that says how much there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.view import SignalFrame
from core.models import Signal

LIMITS: Mapping[Signal, Signal] = {
    Signal.MEMORY: Signal.MEMORY_LIMIT,
    Signal.DISK: Signal.DISK_LIMIT,
    Signal.POOL: Signal.POOL_LIMIT,
    Signal.FILES: Signal.FILES_LIMIT,
}
"""Signal that piles up -> the signal of its limit, in the same unit. What is not listed does not pile up."""

LIMIT_SIGNALS = frozenset(LIMITS.values())
"""Series that are no behaviour of a service: they have no baseline to leave."""


def limit_of(frame: SignalFrame, frames: Sequence[SignalFrame], end: float) -> tuple[float, str] | None:
    """The limit of a series as last told by `end` (seconds since the epoch), and the evidence that holds it.

    None when the signal does not pile up, or when no limit above zero is known: cAdvisor tells an unlimited container
    as 0 (`container_spec_memory_limit_bytes`).
    """
    wanted = LIMITS.get(frame.signal)
    for other in frames:
        if wanted is None or other.signal is not wanted or other.service != frame.service:
            continue
        told = np.isfinite(other.values) & np.isfinite(other.times) & (other.times <= end)
        if told.any():
            newest = float(other.values[told][np.argmax(other.times[told])])
            return (newest, other.evidence) if newest > 0 else None
    return None
