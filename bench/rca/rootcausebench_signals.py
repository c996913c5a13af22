"""What a series of RootCauseBench measures, told by the words of its name as they are usual for metrics.

Prometheus' naming rules (https://prometheus.io/docs/practices/naming/): the unit is the last word. Series of which the
name says nothing that Quell knows a signal for are left out, as production does without a `signals:` entry.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.frames import Floats
from core.models import Signal

_FAILURES = frozenset({"error", "errors", "failed", "failure", "failures", "5xx", "throttle", "rejected", "timeout"})
_SHARES = frozenset({"ratio", "rate", "pct", "percent"})
_LATENCY = frozenset({"latency", "duration"})
_SECONDS = {"ms": 0.001, "seconds": 1.0, "s": 1.0, "us": 1e-6}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a series is read: its signal, what brings it to the signal's unit, and the limit of which it is a share."""

    signal: Signal
    unit: str
    factor: float = 1.0
    whole: Signal | None = None

    def values(self, raw: Floats) -> Floats:
        """The samples in the unit of the signal; what is called a percentage but never exceeds 1 is a share already."""
        shares = self.unit == "ratio" and raw.max(initial=0.0) <= 1.0
        return raw if shares else raw * self.factor


def reading_of(metric: str) -> Reading | None:
    """What the name says, None when it says nothing."""
    words = metric.lower().split("_")
    named = frozenset(words)
    percent = 0.01 if named & {"pct", "percent"} else 1.0
    if named & _FAILURES and named & _SHARES:
        return Reading(Signal.ERRORS, "ratio", percent)
    if named & _LATENCY and words[-1] in _SECONDS:
        return Reading(Signal.LATENCY, "seconds", _SECONDS[words[-1]])
    if named & {"requests", "rps", "qps"} and ({"per", "sec"} <= named or words[-1] in ("rps", "qps")):
        return Reading(Signal.TRAFFIC, "requests/s")
    if "cpu" in named and "throttled" not in named:
        return Reading(Signal.CPU, "cores", percent)
    if named & {"memory", "rss", "heap"}:
        return Reading(Signal.MEMORY, "bytes", 2.0**20 if words[-1] in ("mb", "mib") else 1.0)
    if named & {"disk", "volume"}:
        return Reading(Signal.DISK, "ratio", percent, Signal.DISK_LIMIT)
    return None
