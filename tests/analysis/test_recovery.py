"""Back to normal, not back, or not to be told."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.recovery import normal_of, recovered
from analysis.view import SignalFrame
from core.models import Signal
from tests.analysis.shop import BASELINE, CONFIG, WINDOW, Shop


def frame_of(shop: Shop, service: str, signal: Signal) -> SignalFrame:
    return next(one for one in shop.view().signals if (one.service, one.signal) == (service, signal))


def now(signal: Signal, values: list[float]) -> SignalFrame:
    return SignalFrame("orders", signal, "m", "ratio", np.arange(len(values), dtype=float), np.array(values), "ev")


@pytest.mark.parametrize(
    ("signal", "values", "ok"),
    [
        (Signal.ERRORS, [0.0, 0.01, 0.0], True),
        (Signal.ERRORS, [0.5, 0.4, 0.0], False),
        (Signal.LATENCY, [0.02, 0.03, 0.02], True),
        (Signal.LATENCY, [0.9, 1.0, 0.8], False),
        (Signal.LATENCY, [0.0, 0.0, 0.0], True),
        (Signal.CPU, [0.95, 0.9], False),
        (Signal.TRAFFIC, [0.5, 0.5], False),
        (Signal.UP, [0.0, 0.0, 1.0, 1.0], True),
        (Signal.UP, [1.0, 1.0, 0.0], False),
        (Signal.ERRORS, [0.0], None),
        (Signal.ERRORS, [np.nan, np.nan, np.nan], None),
        (Signal.UP, [], None),
    ],
)
def test_the_word_of_a_signal(signal: Signal, values: list[float], ok: bool | None) -> None:
    shop = Shop()
    shop.bad_release("orders")
    normal = normal_of(frame_of(shop, "orders", signal), BASELINE, WINDOW, CONFIG)
    reading = recovered(normal, now(signal, values), CONFIG)
    assert reading.ok is ok
    assert f"{signal} of orders" in reading.detail


def test_without_a_normal_only_up_can_be_told() -> None:
    assert recovered(None, now(Signal.UP, [1.0, 1.0]), CONFIG).ok is True
    assert recovered(None, now(Signal.ERRORS, [0.0, 0.0]), CONFIG).ok is None


def test_too_few_samples_are_no_normal() -> None:
    short = WINDOW.model_copy(update={"start": BASELINE.start, "end": BASELINE.start})
    assert normal_of(frame_of(Shop(), "orders", Signal.ERRORS), short, WINDOW, CONFIG) is None


@pytest.mark.parametrize("leaking_seconds", [6.0, 14.0, 22.0])
def test_memory_is_back_where_its_leak_began_however_much_of_it_the_baseline_saw(leaking_seconds: float) -> None:
    shop = Shop(fault_seconds=leaking_seconds)
    shop.leak("orders", bytes_per_second=4e6)
    frame = frame_of(shop, "orders", Signal.MEMORY)
    normal = normal_of(frame, BASELINE, WINDOW, CONFIG)
    high = frame.values[-4:].tolist()
    assert recovered(normal, now(Signal.MEMORY, high), CONFIG).ok is False
    assert recovered(normal, now(Signal.MEMORY, [41e6, 41e6, 42e6]), CONFIG).ok is True
