"""What series usually are, from days of history that is refreshed on a schedule, and when somebody needs it.

Counters come as rates and histograms as quantiles, since the history is asked with the same questions as the present.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import structlog

from analysis.config import AnalysisConfig
from analysis.series.history import DAY_SECONDS, MIN_SHARE, usual_before
from core.clock import Clock
from core.errors import SourceError, StoreError
from core.frames import BaselineQuery, SeriesBaseline
from core.models import Signal, Usual
from core.ports import MetricsSource
from stores.store import Store
from tools.history import BaselineSettings, HistoryKeeper, Track
from tools.inventory import Inventory
from tools.signals import SignalSpec

log = structlog.get_logger(__name__)

NO_BASELINE = frozenset({Signal.UP})
"""Signals that are wrong by themselves, whatever they usually are."""
MAX_ANSWERS = 10_000
"""Answers that are remembered; then all are forgotten, as most are of instants that have passed."""


class HistoryBaselines:
    """A `core.ports.BaselineSource` over the history of a metrics source.

    A source that does not answer leaves what is known. A source that remembers less than Quell keeps, such as the
    scrape buffer, is asked before it forgets.

    Args:
        signals: how each signal is measured.
        analysis: floors, and the span over which counters become rates.
        store: where the history outlives the process; None keeps it in memory only.
    """

    def __init__(
        self,
        metrics: MetricsSource,
        inventory: Inventory,
        signals: Sequence[SignalSpec],
        analysis: AnalysisConfig,
        settings: BaselineSettings,
        clock: Clock,
        store: Store | None = None,
    ) -> None:
        self._inventory = inventory
        self._signals = {spec.signal: spec for spec in signals if spec.signal not in NO_BASELINE}
        self._analysis = analysis
        self._settings = settings
        self._clock = clock
        self._keeper = HistoryKeeper(metrics, settings, analysis.rate_window_seconds, clock, store)
        self._answers: dict[tuple[str, Signal, int], tuple[Usual, ...]] = {}

    async def run(self) -> None:
        """Refresh every `refresh_seconds` until cancelled."""
        while True:
            await self.refresh()
            await self._clock.sleep(self._settings.refresh_seconds)

    async def refresh(self) -> None:
        """Bring the history of every service up to now; what cannot be read or kept is logged and tried next time."""
        for service in self._inventory.all():
            for spec in self._signals.values() if service.identity.prometheus else ():
                try:
                    await self._keeper.update(service, spec)
                except (SourceError, StoreError) as error:
                    log.warning("history_not_refreshed", service=service.name, signal=spec.signal, error=error.message)
                    return
        try:
            await self._keeper.forget()
        except StoreError as error:
            log.warning("history_not_forgotten", error=error.message)

    async def baseline(self, query: BaselineQuery) -> SeriesBaseline:
        """What the series usually is, from samples before the step of the history that `until` lies in."""
        end = self._keeper.instant(query.until)
        key = (query.service, query.signal, end)
        usual = self._answers.get(key)
        if usual is None:
            track, current = await self._track(query, end)
            usual = () if track is None else self._usual(track, query.signal, end)
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            if current:
                self._answers[key] = usual
        return SeriesBaseline(until=query.until, usual=usual)

    async def _track(self, query: BaselineQuery, end: int) -> tuple[Track | None, bool]:
        """The history and whether it is all that there is to know.

        The source is asked when the history is older than a refresh, if it remembers enough to make a difference.
        """
        service, spec = self._inventory.get(query.service), self._signals.get(query.signal)
        if service is None or spec is None or not service.identity.prometheus:
            return None, True
        track: Track | None = None
        try:
            track = await self._keeper.known(service, spec)
            late = self._settings.refresh_seconds / self._settings.step_seconds
            if end - track.end > late and end - await self._keeper.reach() >= self._least:
                await self._keeper.update(service, spec)
        except (SourceError, StoreError) as error:
            log.warning("history_not_read", service=query.service, signal=query.signal, error=error.message)
            return track, False
        return track, True

    @property
    def _least(self) -> float:
        """Samples below which no part of a history counts."""
        return MIN_SHARE * DAY_SECONDS / self._settings.step_seconds

    def _usual(self, track: Track, signal: Signal, end: int) -> tuple[Usual, ...]:
        samples = track.between(end - self._settings.days * self._settings.steps_a_day, end)
        if np.count_nonzero(np.isfinite(samples)) < self._least:
            return ()
        return usual_before(samples[None, :].astype(np.float64), self._settings.step_seconds, signal, self._analysis)[0]
