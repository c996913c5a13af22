"""How bad a finding is for users."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analysis.anomalies import detect
from analysis.severity import severity_of
from core.models import Forecast, RunState, Severity, Shape, Signal
from tests.analysis.shop import CONFIG, END, Shop


def at(seconds: float) -> Forecast:
    when = END + timedelta(seconds=seconds)
    return Forecast(limit=1, per_second=1, at=when, earliest=when)


@pytest.mark.parametrize(
    ("signal", "shape", "magnitude", "forecast", "expected"),
    [
        (Signal.UP, Shape.ABSENT_UP, -9, None, Severity.CRITICAL),
        (Signal.STATE, Shape.STATE, 100, None, Severity.CRITICAL),
        (Signal.STATE, Shape.STATE, 3, None, Severity.WARNING),
        (Signal.ERRORS, Shape.LEVEL_SHIFT, 30, None, Severity.CRITICAL),
        (Signal.ERRORS, Shape.LEVEL_SHIFT, 4, None, Severity.WARNING),
        (Signal.ERRORS, Shape.SPIKE, 30, None, Severity.INFO),
        (Signal.LATENCY, Shape.LEVEL_SHIFT, 50, None, Severity.WARNING),
        (Signal.MEMORY, Shape.TREND, 5, at(CONFIG.window_seconds - 1), Severity.CRITICAL),
        (Signal.MEMORY, Shape.TREND, 5, at(CONFIG.window_seconds + 1), Severity.WARNING),
        (Signal.CPU, Shape.VARIANCE, 5, None, Severity.INFO),
        (Signal.CLOCK, Shape.FLATLINE, 5, None, Severity.INFO),
        (Signal.TRAFFIC, Shape.ZERO, -9, None, Severity.WARNING),
    ],
)
def test_the_table(
    signal: Signal, shape: Shape, magnitude: float, forecast: Forecast | None, expected: Severity
) -> None:
    assert severity_of(signal, shape, magnitude, forecast, END, CONFIG) is expected


def test_findings_carry_it() -> None:
    shop = Shop()
    shop.kill("payment")
    shop.set_state("payment", state=RunState.EXITED)
    severities = {one.signal: one.severity for one in detect(shop.view(), CONFIG) if one.service == "payment"}
    assert severities[Signal.STATE] is Severity.CRITICAL
    assert severities[Signal.UP] is Severity.CRITICAL
    assert severities[Signal.TRAFFIC] is Severity.WARNING
