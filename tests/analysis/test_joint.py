"""Metrics and logs of a service looked at together: two that are each too weak count when they agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import sqrt

import numpy as np
import pytest

from analysis.anomalies import detect
from core.frames import LogLine
from core.models import Finding, Severity, Signal
from tests.analysis.shop import CONFIG, Shop

WEAK = CONFIG.robust_z / sqrt(2) + 0.3
"""Above what counts together, below what counts alone."""


def shop_with(*, metric_z: float, lines: int, lines_after_seconds: float = 0.5) -> Shop:
    """The memory of `cart` leaves its level by so many z, and its log has so many new lines."""
    shop = Shop()
    scale = 8 * 2**20
    shop.values["cart", Signal.MEMORY] = 40e6 + np.where(shop.faulty, metric_z * scale, 0.0)
    start = datetime.fromtimestamp(shop.fault_at, UTC) + timedelta(seconds=lines_after_seconds)
    shop.lines["cart"] = [
        LogLine(
            at=start + timedelta(seconds=i / 10), service="cart", text="allocation failed", severity=Severity.CRITICAL
        )
        for i in range(lines)
    ]
    return shop


def of(shop: Shop, signal: Signal) -> list[Finding]:
    found = detect(shop.view(), CONFIG)
    assert {one.service for one in found} <= {"cart"}
    return [one for one in found if one.signal is signal]


def test_a_weak_metric_counts_when_the_log_began_at_the_same_time() -> None:
    (found,) = of(shop_with(metric_z=WEAK, lines=8), Signal.MEMORY)
    assert found.magnitude == CONFIG.robust_z
    assert found.text.endswith("(metrics and log agree)")


def test_a_weak_metric_alone_does_not() -> None:
    assert of(shop_with(metric_z=WEAK, lines=0), Signal.MEMORY) == []


@pytest.mark.parametrize("metric_z", [0.0, 1.5])
def test_a_metric_below_what_two_can_make_of_it_does_not(metric_z: float) -> None:
    assert of(shop_with(metric_z=metric_z, lines=8), Signal.MEMORY) == []


def test_a_metric_that_began_at_another_time_does_not() -> None:
    config_blur = 2 * CONFIG.step_seconds + CONFIG.rate_window_seconds
    late = shop_with(metric_z=WEAK, lines=8, lines_after_seconds=config_blur + 1.2)
    assert of(late, Signal.MEMORY) == []


def test_strong_ones_stay_what_they_are() -> None:
    shop = shop_with(metric_z=9.0, lines=20)
    (metric,), (log,) = of(shop, Signal.MEMORY), of(shop, Signal.LOGS)
    assert metric.magnitude > CONFIG.robust_z
    assert "agree" not in metric.text + log.text


@pytest.mark.parametrize("seed", range(10))
def test_a_healthy_shop_has_nothing_that_agrees(seed: int) -> None:
    assert detect(Shop(100 + seed).view(), CONFIG) == ()
