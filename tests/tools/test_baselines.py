"""Normals from the history of a metrics source: asked piece by piece, kept, recorded, never from later samples."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analysis.config import AnalysisConfig
from clients.evaluate import evaluate
from clients.recorded import BASELINES, RecordedBaselines
from clients.series import SeriesRing, series_key
from core.clock import ManualClock
from core.errors import SourceUnavailable
from core.frames import BaselineQuery, Frame, MetricQuery, SeriesBaseline
from core.models import Identity, Past, Service, Signal, Window
from core.ports import SourceStatus
from stores.store import Store
from tests.support import eventually
from tools.baselines import HistoryBaselines
from tools.history import BaselineSettings
from tools.inventory import Inventory
from tools.recording import Recorder
from tools.signals import DEFAULT_SIGNALS
from tools.sources import Sources

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SETTINGS = BaselineSettings(step_seconds=900, days=10)
CART = Service(name="cart", identity=Identity(prometheus={"job": "cart"}))
INVENTORY = Inventory((CART, Service(name="unlabelled")))
TRAFFIC = tuple(spec for spec in DEFAULT_SIGNALS if spec.signal in (Signal.TRAFFIC, Signal.UP))


class Remembering:
    """A source whose traffic is 20/s, and 90/s from `broken_at` on; it remembers nothing before `since`."""

    name = "remembering"

    def __init__(self, since: datetime, broken_at: datetime = NOW + timedelta(days=99)) -> None:
        self.since = since
        self.broken_at = broken_at
        self.asked: list[MetricQuery] = []
        self.away = False
        self.knows_up = True

    async def query(self, query: MetricQuery) -> Frame:
        if self.away:
            raise SourceUnavailable("it is away", fix="wait")
        self.asked.append(query)
        grid = Frame.empty(query.window, query.step_seconds)
        if query.metric == "up" and not self.knows_up:
            return grid
        values = np.where(grid.times >= self.broken_at.timestamp(), 90.0, 20.0)
        values[grid.times < self.since.timestamp()] = np.nan
        return Frame(grid.start, grid.step, ({},), values[None, :])

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True)

    @property
    def windows(self) -> list[Window]:
        return [query.window for query in self.asked if query.metric != "up"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def baselines(source: Remembering, clock: ManualClock, store: Store | None = None) -> HistoryBaselines:
    return HistoryBaselines(source, INVENTORY, TRAFFIC, AnalysisConfig(), SETTINGS, clock, store)


def asking(until: datetime = NOW, service: str = "cart", signal: Signal = Signal.TRAFFIC) -> BaselineQuery:
    return BaselineQuery(service=service, signal=signal, until=until)


def pasts(found: SeriesBaseline) -> list[Past]:
    return [one.past for one in found.usual]


async def test_what_is_needed_is_asked_for_once(clock: ManualClock) -> None:
    source = Remembering(NOW - timedelta(days=5))
    usual = baselines(source, clock)
    found = await usual.baseline(asking())
    assert pasts(found) == [Past.SAME_HOUR, Past.LAST_DAY]
    assert {one.median for one in found.usual} == {20.0}
    assert await usual.baseline(asking()) == found
    assert len(source.windows) == 1
    assert source.windows[0].start >= NOW - timedelta(days=5, hours=2)


async def test_nothing_that_is_later_counts(clock: ManualClock) -> None:
    onset = NOW - timedelta(hours=15)
    usual = baselines(Remembering(NOW - timedelta(days=9), broken_at=onset), clock)
    before, after = await usual.baseline(asking(onset)), await usual.baseline(asking(NOW))
    assert {one.median for one in before.usual} == {20.0}
    assert {one.high for one in before.usual} == {20.0}
    assert [(one.past, one.median) for one in after.usual] == [(Past.LAST_DAY, 90.0)]


async def test_a_source_that_remembers_little_is_not_asked_for_more(clock: ManualClock) -> None:
    source = Remembering(NOW - timedelta(hours=5))
    usual = baselines(source, clock)
    for signal in (Signal.TRAFFIC, Signal.TRAFFIC):
        assert (await usual.baseline(asking(signal=signal))).usual == ()
    assert source.windows == []
    assert len(source.asked) == 1


async def test_a_source_without_up_is_asked_for_everything(clock: ManualClock) -> None:
    source = Remembering(NOW - timedelta(days=2))
    source.knows_up = False
    assert pasts(await baselines(source, clock).baseline(asking())) == [Past.LAST_DAY]
    assert source.windows[0].start == NOW - timedelta(days=SETTINGS.days)


async def test_each_refresh_asks_for_what_is_new_and_the_store_remembers(store: Store, clock: ManualClock) -> None:
    """A buffer of six hours becomes a history of days."""
    source = Remembering(NOW - timedelta(hours=6))
    usual = baselines(source, clock, store)
    for _ in range(5):
        await usual.refresh()
        clock.advance(5 * 3600)
        source.since = clock.now() - timedelta(hours=6)
    assert all(window.seconds <= 8 * 3600 for window in source.windows)
    source.away = True
    again = baselines(source, clock, store)
    assert pasts(await again.baseline(asking(clock.now() - timedelta(hours=5)))) == [Past.LAST_DAY]


async def test_what_is_too_old_is_forgotten(store: Store, clock: ManualClock) -> None:
    source = Remembering(NOW - timedelta(days=9))
    usual = baselines(source, clock, store)
    await usual.refresh()
    clock.advance(30 * 86400)
    source.since = clock.now()
    await usual.refresh()
    assert (await usual.baseline(asking(clock.now()))).usual == ()
    source.away = True
    assert (await baselines(source, clock, store).baseline(asking(NOW))).usual == ()


async def test_a_source_that_is_away_leaves_what_is_known(clock: ManualClock) -> None:
    source = Remembering(NOW - timedelta(days=5))
    usual = baselines(source, clock)
    source.away = True
    await usual.refresh()
    assert (await usual.baseline(asking())).usual == ()
    source.away = False
    clock.advance(900)
    assert (await usual.baseline(asking(clock.now()))).usual != ()
    source.away = True
    clock.advance(7200)
    assert (await usual.baseline(asking(clock.now()))).usual != ()
    assert (await usual.baseline(asking(NOW))).usual != ()


@pytest.mark.parametrize(
    "query",
    [asking(service="nobody"), asking(service="unlabelled"), asking(signal=Signal.UP), asking(signal=Signal.CPU)],
)
async def test_what_has_no_history_has_no_normal(clock: ManualClock, query: BaselineQuery) -> None:
    source = Remembering(NOW - timedelta(days=5))
    assert (await baselines(source, clock).baseline(query)).usual == ()
    assert source.asked == []


async def test_counters_that_restart_are_rates(clock: ManualClock) -> None:
    """A counter that grows by 5 a second, begins anew twice a day, and misses rounds."""

    class Scraped(Remembering):
        ring = SeriesRing(columns=4000, max_series=2)

        async def query(self, query: MetricQuery) -> Frame:
            start = query.window.start.timestamp() - 120
            return evaluate(query, self.ring.select(query.metric, {}, {}, start, query.window.end.timestamp()), 150.0)

    source = Scraped(NOW)
    for back in range(2 * 1440, 0, -1):
        at = NOW.timestamp() - 60 * back
        source.ring.begin(at)
        source.ring.put(series_key("up", {}), 1.0)
        if back % 17:
            source.ring.put(series_key("http_requests_total", {}), 5 * (at % 43_200))
    found = await HistoryBaselines(
        source, INVENTORY, TRAFFIC, AnalysisConfig(rate_window_seconds=300), SETTINGS, clock
    ).baseline(asking())
    assert [(one.past, one.median, one.spread) for one in found.usual] == [(Past.LAST_DAY, 5.0, 0.0)]


async def test_the_schedule_goes_on(clock: ManualClock) -> None:
    source = Remembering(NOW - timedelta(days=2))
    usual = baselines(source, clock)
    running = asyncio.create_task(usual.run())  # the clock stands still but for its sleeps
    await eventually(lambda: len(source.windows) >= 2)
    running.cancel()
    assert source.windows[1].start == source.windows[0].end + timedelta(seconds=SETTINGS.step_seconds)
    assert source.windows[1].seconds < SETTINGS.refresh_seconds


async def test_what_was_used_is_recorded_and_plays_back(clock: ManualClock) -> None:
    source = Remembering(NOW - timedelta(days=5))
    live = Sources(source, source, baselines=baselines(source, clock))  # type: ignore[arg-type] # no logs are asked for
    recorder = Recorder("ev_1", NOW)
    recording = recorder.sources(live).baselines
    assert recording is not None
    seen = await recording.baseline(asking())
    payloads = {(call.port, call.key): call.payload for call in recorder.calls}
    assert list(payloads) == [(BASELINES, asking().key)]

    async def look_up(port: str, key: str) -> bytes | None:
        return payloads.get((port, key))

    assert await RecordedBaselines(look_up).baseline(asking()) == seen
    other = asking(NOW + timedelta(hours=1))
    assert await RecordedBaselines(look_up).baseline(other) == SeriesBaseline(until=other.until)
    assert recorder.sources(replace(live, baselines=None)).baselines is None


def test_a_step_must_divide_a_day() -> None:
    with pytest.raises(ValueError, match="divide a day"):
        BaselineSettings(step_seconds=700)
