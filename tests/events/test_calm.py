"""Between close looks a calm signal costs only its new samples, and a fault is seen as soon as ever."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from analysis.config import AnalysisConfig
from analysis.view import SignalFrame
from clients.logfiles import LogFiles
from core.clock import ManualClock
from core.frames import Frame, MetricQuery
from core.models import AlertStatus, Signal
from core.ports import SourceStatus
from events.calm import Calm
from events.watched import WatchSettings
from events.watcher import Watcher
from stores.store import Store
from tests.events.test_watcher import SERVICES, STEP_SECONDS, Plant, plant
from tools.signals import DEFAULT_SIGNALS
from tools.sources import Sources

__all__ = ["plant"]  # a fixture

KEY = ("gateway", Signal.LATENCY)
BETWEEN_SECONDS = 300.0
LONG = AnalysisConfig(
    window_seconds=60, baseline_seconds=600, step_seconds=STEP_SECONDS, rate_window_seconds=2 * STEP_SECONDS
)

MEASURED = tuple(spec for spec in DEFAULT_SIGNALS if spec.signal in {Signal.UP, Signal.ERRORS})


class Stream:
    """A signal, sampled every 15 seconds, of which the test says what it is."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.calm = Calm([KEY], BETWEEN_SECONDS, 15.0)
        self.random = np.random.default_rng(3)

    def frame(self, samples: int, level: float = 0.2) -> SignalFrame:
        """The newest samples, the last one now."""
        times = self.clock.now().timestamp() - 15.0 * np.arange(samples, dtype=np.float64)[::-1]
        values = level + self.random.uniform(-0.02, 0.02, samples)
        return SignalFrame("gateway", Signal.LATENCY, "latency", "s", times, values, "ev")

    def look_closely(self, samples: int = 150, *, suspected: bool = False) -> None:
        frame = self.frame(samples)
        self.calm.looked({KEY: frame}, self.clock.now(), suspected=[KEY] if suspected else [])

    def is_calm(self, level: float = 0.2, samples: int = 2) -> bool:
        """After as many samples of that level."""
        self.clock.advance(15.0 * samples)
        assert self.calm.unseen(KEY, self.clock.now()) is not None
        return KEY in self.calm.calm({KEY: self.frame(samples, level)}, self.clock.now())


@pytest.fixture
def stream(clock: ManualClock) -> Stream:
    return Stream(clock)


def test_what_is_as_ever_is_calm_and_what_is_not_is_not(stream: Stream) -> None:
    stream.look_closely()
    assert stream.is_calm()
    assert not stream.is_calm(level=0.35)


def test_without_new_samples_nothing_is_known(stream: Stream) -> None:
    stream.look_closely()
    stream.clock.advance(30)
    assert stream.calm.calm({KEY: stream.frame(0)}, stream.clock.now()) == set()


@pytest.mark.parametrize("samples", [0, 20])
def test_a_close_look_is_due_while_the_history_is_short(stream: Stream, samples: int) -> None:
    if samples:
        stream.look_closely(samples)
    stream.clock.advance(15)
    assert stream.calm.unseen(KEY, stream.clock.now()) is None


def test_a_close_look_is_due_once_in_a_while(stream: Stream) -> None:
    stream.look_closely()
    start = stream.clock.now()
    stream.clock.advance(BETWEEN_SECONDS - 1)
    window = stream.calm.unseen(KEY, stream.clock.now())
    assert window is not None
    assert window.end == stream.clock.now()
    assert window.start - start == timedelta(seconds=(BETWEEN_SECONDS - 1) % 15), "its last sample is of now"
    assert stream.calm.unseen(KEY, start + timedelta(seconds=BETWEEN_SECONDS)) is None


def test_a_suspected_fault_is_not_learned(stream: Stream) -> None:
    stream.look_closely()
    for _ in range(100):
        stream.clock.advance(15)
        faulty = stream.frame(1, level=5.0)
        stream.calm.looked({KEY: faulty}, stream.clock.now(), suspected=[KEY])
    assert not stream.is_calm(level=5.0)


def test_what_is_not_among_the_symptoms_is_always_due(stream: Stream) -> None:
    memory = ("gateway", Signal.MEMORY)
    frame = SignalFrame("gateway", Signal.MEMORY, "memory", "bytes", np.arange(200.0), np.ones(200), "ev")
    stream.calm.looked({memory: frame}, stream.clock.now())
    stream.clock.advance(15)
    assert stream.calm.unseen(memory, stream.clock.now()) is None


class Counted:
    """A plant's metrics, and how many samples were asked for."""

    def __init__(self, plant: Plant) -> None:
        self.name = "counted"
        self._buffer = plant.buffer
        self.samples = 0

    async def query(self, query: MetricQuery) -> Frame:
        frame = await self._buffer.query(query)
        self.samples += frame.times.size
        return frame

    async def status(self) -> SourceStatus:
        return await self._buffer.status()


async def test_a_watcher_asks_little_while_all_is_calm_and_alerts_as_soon(store: Store, plant: Plant) -> None:
    metrics = Counted(plant)
    sources = Sources(metrics=metrics, logs=LogFiles({}))
    watching = Watcher(store, SERVICES, sources, plant.clock, WatchSettings(for_ticks=2), LONG, MEASURED)
    await plant.work(125)
    costs = []
    for _ in range(4):
        await plant.work(1)
        metrics.samples = 0
        assert await watching.tick() == []
        costs.append(metrics.samples)
    assert max(costs[1:]) < costs[0] / 10, "new samples only"

    plant.failing = True
    for _ in range(10):
        await plant.work(1)
        if sent := await watching.tick():
            break
    assert [(alert.name, alert.status) for alert in sent] == [("ErrorRateHigh", AlertStatus.FIRING)]
    closely = Watcher(store, SERVICES, sources, plant.clock, WatchSettings(for_ticks=1), LONG, MEASURED)
    (same,) = await closely.tick()
    assert same.starts_at == sent[0].starts_at
    plant.failing = False
    ended = []
    for _ in range(30):
        await plant.work(1)
        ended += await watching.tick()
    assert [alert.status for alert in ended] == [AlertStatus.RESOLVED]
