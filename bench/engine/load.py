"""Made-up load, seeded: matrices of series, log lines, and a whole system with a fault in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from analysis.config import AnalysisConfig
from analysis.view import LogFrame, SignalFrame, StateView, SystemView
from core.frames import Floats, LogLine
from core.models import RunState, ServiceState, Signal, Window

SEED = 20260303
END = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
CONFIG = AnalysisConfig()
WINDOW = Window(start=END - timedelta(seconds=CONFIG.window_seconds), end=END)
BASELINE = Window(start=WINDOW.start - timedelta(seconds=CONFIG.baseline_seconds), end=WINDOW.start)
FAULT_AT = END - timedelta(seconds=180)
FAN_OUT = 3
NORMAL: dict[Signal, tuple[float, float]] = {
    Signal.ERRORS: (0.002, 0.001),
    Signal.LATENCY: (0.080, 0.010),
    Signal.TRAFFIC: (40.0, 3.0),
    Signal.CPU: (0.20, 0.02),
    Signal.MEMORY: (2.0e8, 2.0e6),
}
"""Level and standard deviation of each signal in quiet times."""
MESSAGES = (
    "GET /api/v1/items/{} 200 in {} ms",
    "user {} added item {} to the cart",
    "cache miss for key item:{}:{}",
    "connection {} to database opened after {} ms",
    "reserved {} units of stock in warehouse {}",
    "published event {} to partition {}",
    "session {} renewed for {} seconds",
    "retrying call {} after {} ms",
)
FAILURE = "payment {} failed: connection refused by 10.0.0.{}:5432"


def matrix(series: int, samples: int, missing: float = 0.02) -> Floats:
    """Noise with levels of its own in each row, some samples missing, some rows constant or empty; shape as asked."""
    random = np.random.default_rng(SEED)
    values = random.normal(size=(series, samples)) * random.uniform(0.1, 10, (series, 1)) + random.normal(
        scale=100, size=(series, 1)
    )
    values[random.random(values.shape) < missing] = np.nan
    values[::997] = 5.0
    values[1::997] = np.nan
    values[2::97, -samples // 8 :] += 200.0
    return values


def system(services: int, metrics: int, lines: int) -> SystemView:
    """A tree of services in which one deep down refuses connections.

    Args:
        metrics: series of each service.
        lines: log lines of all services together.
    """
    random = np.random.default_rng(SEED)
    names = [f"service-{number:02d}" for number in range(services)]
    calls = {
        name: tuple(names[number * FAN_OUT + 1 : number * FAN_OUT + 1 + FAN_OUT]) for number, name in enumerate(names)
    }
    affected = _callers(names, services - 1)
    signals = tuple(
        frame for number, name in enumerate(names) for frame in _frames(name, metrics, number in affected, random)
    )
    share = lines // services
    logs = tuple(
        LogFrame(name, tuple(_lines(name, share, number == services - 1, random)), f"ev_log_{name}")
        for number, name in enumerate(names)
    )
    states = tuple(
        StateView(ServiceState(service=name, at=END, state=RunState.RUNNING, healthy=True), f"ev_state_{name}")
        for name in names
    )
    return SystemView(names[0], WINDOW, BASELINE, signals, logs, states, (), calls, "ev_topology", "ev_alert")


def messages(count: int) -> Iterator[str]:
    """Texts of log lines with ever new numbers in them."""
    random = np.random.default_rng(SEED)
    for start in range(0, count, 10_000):
        kinds = random.integers(0, len(MESSAGES), 10_000)
        numbers = random.integers(0, 100_000, (10_000, 2))
        for kind, (first, second) in zip(kinds[: count - start], numbers[: count - start], strict=True):
            yield MESSAGES[kind].format(first, second)


def _callers(names: list[str], number: int) -> set[int]:
    """The service and all that call it, directly or not."""
    found = {number}
    while number:
        number = (number - 1) // FAN_OUT
        found.add(number)
    return found


def _frames(name: str, metrics: int, affected: bool, random: np.random.Generator) -> Iterator[SignalFrame]:
    times = np.arange(BASELINE.start.timestamp(), END.timestamp() + 1, CONFIG.step_seconds)
    kinds = list(NORMAL)
    for number in range(metrics):
        signal = kinds[number % len(kinds)]
        level, noise = NORMAL[signal]
        values = level + noise * random.standard_normal(times.size)
        if affected and number < len(kinds) and signal in (Signal.ERRORS, Signal.LATENCY):
            values = np.where(times >= FAULT_AT.timestamp(), values * 5 + level * 20, values)
        values[random.random(times.size) < 0.01] = np.nan
        yield SignalFrame(name, signal, f"{signal}_{number}", "", times, np.abs(values), f"ev_{name}_{number}")


def _lines(name: str, count: int, failing: bool, random: np.random.Generator) -> Iterator[LogLine]:
    seconds = np.sort(random.uniform(0, (END - BASELINE.start).total_seconds(), count))
    numbers = random.integers(0, 100_000, (count, 2))
    kinds = random.integers(0, len(MESSAGES), count)
    for offset, kind, (first, second) in zip(seconds, kinds, numbers, strict=True):
        at = BASELINE.start + timedelta(seconds=float(offset))
        broken = failing and at >= FAULT_AT and kind % 2 == 0
        text = FAILURE.format(first, second % 250) if broken else MESSAGES[kind].format(first, second)
        yield LogLine(at=at, service=name, text=text)
