"""The drill's own judgement of the shop, from what its customers see. Quell is never asked."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from core.clock import Clock
from drills.load import WEIGHTS, Journey, Sample

_KEEP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What every journey must show over the last `window_seconds` for the shop to count as well."""

    window_seconds: float = 3.0
    min_requests: int = 2
    min_success: float = 0.98
    max_p95_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Reading:
    """One journey over a window: requests that ended, share that succeeded, 95th percentile of the wait."""

    journey: Journey
    requests: int
    success: float
    p95_seconds: float

    def within(self, limits: Limits) -> bool:
        """Whether customers on this journey are served well. Silence is not health."""
        return (
            self.requests >= limits.min_requests
            and self.success >= limits.min_success
            and self.p95_seconds <= limits.max_p95_seconds
        )


class Probes:
    """Collects samples and reads them journey by journey, so that a quiet path cannot hide behind a busy one."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._clock = clock
        self._samples: deque[Sample] = deque()

    def record(self, sample: Sample) -> None:
        """Add a sample and forget those older than a minute."""
        self._samples.append(sample)
        while self._samples[0].at < sample.at - _KEEP_SECONDS:
            self._samples.popleft()

    def readings(self) -> tuple[Reading, ...]:
        """Every journey over the last `limits.window_seconds`."""
        since = self._clock.monotonic() - self.limits.window_seconds
        recent = [sample for sample in self._samples if sample.at >= since]
        return tuple(_read(journey, [s for s in recent if s.journey is journey]) for journey in WEIGHTS)

    def well(self) -> bool:
        """Whether all journeys are within the limits."""
        return all(reading.within(self.limits) for reading in self.readings())


class Recovery:
    """Follows the shop from a fault on: when customers began to suffer, and since when they are served well again."""

    def __init__(self, probes: Probes, clock: Clock) -> None:
        self._probes = probes
        self._clock = clock
        self.hurt_at: float | None = None
        self.well_since: float | None = None

    @property
    def over(self) -> bool:
        """Whether customers are served well: again, or still, when the fault never reached them."""
        return self.hurt_at is None or self.well_since is not None

    def look(self) -> None:
        """Read the probes; to be called every fraction of a second, as what happens in between is not seen."""
        now = self._clock.monotonic()
        if not self._probes.well():
            self.hurt_at = now if self.hurt_at is None else self.hurt_at
            self.well_since = None
        elif self.hurt_at is not None and self.well_since is None:
            self.well_since = max(self.hurt_at, now - self._probes.limits.window_seconds)


def _read(journey: Journey, samples: list[Sample]) -> Reading:
    if not samples:
        return Reading(journey, 0, 0.0, 0.0)
    success = sum(sample.ok for sample in samples) / len(samples)
    p95_seconds = float(np.percentile([sample.seconds for sample in samples], 95))
    return Reading(journey, len(samples), success, p95_seconds)
