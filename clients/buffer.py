"""The embedded metrics source: scrapes targets into bounded memory and answers typed queries from there.

It is what it is: one host, hours of history, a few thousand series. A Prometheus server takes its place behind the
same port.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import structlog

from clients.evaluate import evaluate
from clients.scrape import Scrape, ScrapeSettings, ScrapeTarget, scrape
from clients.series import SeriesRing, series_key
from clients.snapshot import read_snapshot, write_snapshot
from clients.tls import shared_tls_context
from core.clock import Clock
from core.errors import StoreCorrupt
from core.frames import Frame, Function, MetricQuery
from core.ports import SourceStatus

log = structlog.get_logger(__name__)

MoreTargets = Callable[[], Awaitable[Sequence[ScrapeTarget]]]

STALE_INTERVALS = 2.5
"""A round older than this many scrape intervals says nothing about now."""


@dataclass(frozen=True, slots=True)
class BufferStats:
    """What the buffer holds: series, rounds, and samples dropped since the start for want of room."""

    series: int
    rounds: int
    dropped: int


class ScrapeBuffer:
    """A `core.ports.MetricsSource` over its own scrapes.

    Beside what the targets expose there are `up` (1 or 0), `scrape_duration_seconds` and `scrape_series_dropped` for
    each target, with the target's labels.

    Args:
        settings: targets, pace and bounds.
        clock: wall time of the samples.
        snapshot: where the history is kept on disk; None keeps it in memory only.
        more: asked before each round for targets that come and go, such as replicas.
    """

    name = "scrape"

    def __init__(
        self, settings: ScrapeSettings, clock: Clock, snapshot: Path | None = None, more: MoreTargets | None = None
    ) -> None:
        self._settings = settings
        self._targets = settings.targets
        self._more = more
        self._clock = clock
        self._snapshot = snapshot
        columns = math.ceil(settings.retention_seconds / settings.interval_seconds) + 1
        rows = max(1, settings.max_memory_bytes // (columns * np.dtype(np.float64).itemsize))
        self._ring = SeriesRing(columns, min(settings.max_series, rows))
        self._dropped = 0
        self._errors: dict[str, str] = {}

    @property
    def stats(self) -> BufferStats:
        """What the buffer holds now."""
        return BufferStats(len(self._ring), self._ring.rounds, self._dropped)

    @property
    def is_current(self) -> bool:
        """Whether the history reaches up to now, whichever process scraped it; nothing to scrape is current too."""
        newest = self._ring.newest
        if newest is None:
            return not self._targets
        patience_seconds = STALE_INTERVALS * self._settings.interval_seconds + self._settings.snapshot_seconds
        return self._clock.now().timestamp() - newest <= patience_seconds

    async def run(self, *, keep: bool = True) -> None:
        """Scrape at the interval, for ever; restores the history first and keeps it on disk.

        When cancelled, the history is written a last time.

        Args:
            keep: False leaves the file alone, which belongs to another process.
        """
        if not self._ring.rounds:
            await self.restore()
        saved = self._clock.monotonic()
        try:
            while True:
                began = self._clock.monotonic()
                await self.scrape_once()
                if keep and self._clock.monotonic() - saved >= self._settings.snapshot_seconds:
                    await self.save()
                    saved = self._clock.monotonic()
                await self._clock.sleep(max(0.0, began + self._settings.interval_seconds - self._clock.monotonic()))
        finally:
            if keep:
                await self.save()

    async def scrape_once(self) -> None:
        """One round over all targets; the samples carry the time at which it began."""
        if self._more is not None:
            self._targets = (*self._settings.targets, *await self._more())
        at = self._clock.now().timestamp()
        # A fresh connection each time: a kept one to a restarted target costs a failed scrape.
        limits = httpx.Limits(max_keepalive_connections=0)
        timeout_seconds = self._settings.timeout_seconds
        async with httpx.AsyncClient(
            trust_env=False, timeout=timeout_seconds, limits=limits, verify=shared_tls_context()
        ) as http:
            scrapes = await asyncio.gather(
                *(scrape(http, target, timeout_seconds, self._clock) for target in self._targets)
            )
        self._errors = {
            url: error for url, error in self._errors.items() if url in {each.url for each in self._targets}
        }
        self._ring.begin(at)
        for one in scrapes:
            self._store(one)

    async def query(self, query: MetricQuery) -> Frame:
        """Answer from the history, as `clients.evaluate` documents; labels come without the metric's name."""
        staleness = STALE_INTERVALS * self._settings.interval_seconds
        name = f"{query.metric}_bucket" if query.function is Function.QUANTILE else query.metric
        start = query.window.start.timestamp() - max(query.rate_window_seconds, staleness)
        history = self._ring.select(name, query.matchers, query.matchers_regex, start, query.window.end.timestamp())
        return await asyncio.to_thread(evaluate, query, history, staleness)

    async def restore(self) -> bool:
        """Load the snapshot; False when there is none that can be used, which is logged."""
        if self._snapshot is None:
            return False
        try:
            history = await asyncio.to_thread(read_snapshot, self._snapshot)
        except FileNotFoundError:
            return False
        except StoreCorrupt as error:
            log.warning("metrics_history_unusable", error=error.message, fix=error.fix)
            return False
        self._ring.load(history)
        return True

    async def save(self) -> None:
        """Write the snapshot; a failure is logged, since scraping goes on without it."""
        if self._snapshot is None or not self._ring.rounds:
            return
        try:
            await asyncio.to_thread(write_snapshot, self._snapshot, self._ring)
        except OSError as error:
            log.warning("metrics_history_not_saved", path=str(self._snapshot), error=str(error))

    async def status(self) -> SourceStatus:
        """Reachable when a target was up in the newest round, whichever process scraped it."""
        targets = len(self._targets)
        if not targets:
            return SourceStatus(name=self.name, configured=False, fix="list targets under scrape.targets")
        newest = self._ring.newest
        if newest is None:
            return SourceStatus(
                name=self.name, configured=True, detail="no history yet", fix="run `quell serve`, which scrapes"
            )
        up = int(np.nansum(self._ring.select("up", {}, {}, newest, newest).values))
        age_seconds = self._clock.now().timestamp() - newest
        detail = f"{up} of {targets} targets up {age_seconds:.0f} s ago, {len(self._ring)} series"
        down = [f"{url}: {error}" for url, error in self._errors.items() if error]
        return SourceStatus(
            name=self.name,
            configured=True,
            reachable=up > 0,
            detail="; ".join([detail, *down]),
            fix="" if up == targets else "check that the targets run and that their addresses are right",
        )

    def _store(self, one: Scrape) -> None:
        labels = one.target.series_labels
        dropped_key = series_key("scrape_series_dropped", labels)
        own = {
            series_key("up", labels): float(not one.error),
            series_key("scrape_duration_seconds", labels): one.seconds,
            dropped_key: 0.0,  # takes its place before the target's series can fill the room
        }
        dropped = sum(not self._ring.put(key, value) for key, value in own.items())
        dropped += sum(not self._ring.put(series_key(s.name, s.labels), s.value) for s in one.samples)
        self._ring.put(dropped_key, float(dropped))
        self._dropped += dropped
        if one.error != self._errors.get(one.target.url, ""):
            log.info("scrape_target_changed", url=one.target.url, error=one.error)
        if dropped:
            log.debug("scrape_series_dropped", url=one.target.url, dropped=dropped)
        self._errors[one.target.url] = one.error
