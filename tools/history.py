"""Days of samples of series: asked of a metrics source piece by piece, kept in memory and in the store.

Instants are counted in steps since 1970-01-01: sample ``i`` of a series is of the time ``i x step_seconds``.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from analysis.series.history import DAY_SECONDS, LONGEST_DAYS
from core.clock import Clock
from core.frames import Aggregate, MetricQuery
from core.models import Model, Service, Window
from core.ports import MetricsSource
from stores.histories import HistoryDay
from stores.store import Store
from tools.measuring import measure
from tools.signals import SignalSpec

Samples = npt.NDArray[np.float32]
STORED = np.dtype("<f4")
REACH_STEP_SECONDS = 3600.0


class BaselineSettings(Model):
    """The `baselines` section of quell.yaml."""

    days: int = Field(default=LONGEST_DAYS, ge=0, le=LONGEST_DAYS, description="of history that are kept; 0: none")
    step_seconds: float = Field(default=300.0, gt=0, description="distance of two samples of history; divides a day")
    refresh_seconds: float = Field(default=3600.0, gt=0, description="between looks for newer history")

    @model_validator(mode="after")
    def _fits_a_day(self) -> Self:
        if DAY_SECONDS % self.step_seconds:
            raise ValueError("step_seconds must divide a day, such as 60, 300 or 900")
        return self

    @property
    def steps_a_day(self) -> int:
        """Samples of a whole day."""
        return round(DAY_SECONDS / self.step_seconds)


@dataclass(slots=True)
class Track:
    """The known samples of one series.

    Attributes:
        first: instant of the first sample.
        samples: shape ``(n,)``, NaN where there is none.
        turn: held by whoever extends it.
    """

    first: int = 0
    samples: Samples = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def end(self) -> int:
        """The instant after the last sample; 0 when there is none."""
        return self.first + self.samples.size if self.samples.size else 0

    def put(self, start: int, samples: Samples) -> None:
        """Write samples that begin at that instant, which is not before the first one; a gap becomes NaN."""
        if not self.samples.size:
            self.first, self.samples = start, samples
            return
        gap = np.full(max(0, start - self.end), np.nan, dtype=np.float32)
        self.samples = np.concatenate([self.samples[: start - self.first], gap, samples])

    def drop(self, before: int) -> None:
        """Forget the samples before that instant."""
        gone = min(max(0, before - self.first), self.samples.size)
        self.first, self.samples = self.first + gone, self.samples[gone:].copy()

    def between(self, start: int, end: int) -> Samples:
        """The samples of ``[start, end)``, NaN where nothing is known; shape ``(end - start,)``."""
        found = np.full(end - start, np.nan, dtype=np.float32)
        low, high = max(start, self.first), min(end, self.end)
        if low < high:
            found[low - start : high - start] = self.samples[low - self.first : high - self.first]
        return found


class HistoryKeeper:
    """Keeps the history of series, as long as the settings say.

    Args:
        rate_window_seconds: as for the samples that the history is compared with.
        store: where the history outlives the process; None keeps it in memory only.
    """

    def __init__(
        self,
        metrics: MetricsSource,
        settings: BaselineSettings,
        rate_window_seconds: float,
        clock: Clock,
        store: Store | None = None,
    ) -> None:
        self._metrics = metrics
        self._settings = settings
        self._rate_window_seconds = rate_window_seconds
        self._clock = clock
        self._store = store
        self._tracks: dict[str, Track] = {}
        self._reach: tuple[int, int] | None = None

    def instant(self, at: datetime) -> int:
        """The step that a time lies in."""
        return int(at.timestamp() // self._settings.step_seconds)

    async def known(self, service: Service, spec: SignalSpec) -> Track:
        """What is known of a signal of a service, without asking the source.

        Raises:
            StoreError: what was kept cannot be read.
        """
        key = _key(service, spec, self._settings.step_seconds, self._rate_window_seconds)
        track = self._tracks.get(key)
        if track is not None:
            return track
        kept: list[HistoryDay] = []
        if self._store is not None:
            async with self._store.read() as tx:
                kept = await tx.histories.of_series(key)
        track = Track()
        for each in kept:
            samples = np.frombuffer(each.samples, dtype=STORED).astype(np.float32)
            track.put(each.day * self._settings.steps_a_day, samples)
        return self._tracks.setdefault(key, track)

    async def update(self, service: Service, spec: SignalSpec) -> Track:
        """The history up to now: what is missing is asked of the source, and kept.

        Raises:
            SourceError: the source did not answer.
            StoreError: the history cannot be kept.
        """
        track = await self.known(service, spec)
        async with track.turn:
            end = self.instant(self._clock.now())
            oldest = end - self._settings.days * self._settings.steps_a_day
            start = max(oldest, track.end, await self.reach())
            if start < end:
                track.put(start, await self._ask(service, spec, start, end))
                track.drop(oldest)
                await self._save(
                    _key(service, spec, self._settings.step_seconds, self._rate_window_seconds), track, start
                )
        return track

    async def reach(self) -> int:
        """The first instant of which the source remembers anything; the present when it remembers nothing.

        Told by `up`, which every Prometheus has; a source without it is taken to remember everything.

        Raises:
            SourceError: the source did not answer.
        """
        now = self.instant(self._clock.now())
        lasting = self._settings.refresh_seconds / self._settings.step_seconds
        if self._reach is None or now - self._reach[0] >= lasting:
            self._reach = (now, await self._ask_reach(now))
        return self._reach[1]

    async def forget(self) -> None:
        """Drop what is too old from the store."""
        if self._store is not None:
            days = self.instant(self._clock.now()) // self._settings.steps_a_day
            async with self._store.write() as tx:
                await tx.histories.forget(before=days - self._settings.days)

    async def _ask_reach(self, now: int) -> int:
        step = self._settings.step_seconds
        oldest = now - self._settings.days * self._settings.steps_a_day
        span = Window(start=_time(oldest * step), end=_time(now * step))
        frame = await self._metrics.query(
            MetricQuery(metric="up", aggregate=Aggregate.SUM, window=span, step_seconds=REACH_STEP_SECONDS)
        )
        if not frame.labels:
            return oldest
        seen = np.flatnonzero(np.isfinite(frame.values[0]))
        if not seen.size:
            return now
        return max(oldest, int((frame.times[seen[0]] - REACH_STEP_SECONDS) // step))

    async def _ask(self, service: Service, spec: SignalSpec, start: int, end: int) -> Samples:
        """The samples of ``[start, end)``."""
        step = self._settings.step_seconds
        _, values = await measure(
            self._metrics,
            spec,
            service.identity.prometheus,
            Window(start=_time(start * step), end=_time((end - 1) * step)),
            step_seconds=step,
            rate_window_seconds=self._rate_window_seconds,
        )
        with np.errstate(over="ignore"):
            return values[: end - start].astype(np.float32)

    async def _save(self, key: str, track: Track, start: int) -> None:
        """Write the days that have changed from that instant on."""
        if self._store is None:
            return
        per_day = self._settings.steps_a_day
        days = range(start // per_day, (track.end - 1) // per_day + 1)
        rows = [
            HistoryDay(
                series=key,
                day=day,
                samples=track.between(day * per_day, min((day + 1) * per_day, track.end)).astype(STORED).tobytes(),
            )
            for day in days
        ]
        async with self._store.write() as tx:
            await tx.histories.save(rows)


def _time(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def _key(service: Service, spec: SignalSpec, step_seconds: float, rate_window_seconds: float) -> str:
    """Whatever is measured another way is another series."""
    how = (spec.model_dump_json(), str(sorted(service.identity.prometheus.items())), step_seconds, rate_window_seconds)
    digest = hashlib.sha256(repr(how).encode()).hexdigest()
    return f"{service.name}|{spec.signal}|{digest[:12]}"
