"""How bad a finding is for those who use the system, which is something else than how unusual it is.

Users notice what is down and what fails; what is about to run out will be noticed; what is over, restless or frozen is
worth knowing ("symptoms, not causes", chapter 6 of the SRE book, https://sre.google/sre-book/monitoring-distributed-systems/).
"""

from __future__ import annotations

from datetime import timedelta

from analysis.config import AnalysisConfig
from core.models import Forecast, Severity, Shape, Signal, Utc

HARMLESS = frozenset({Shape.SPIKE, Shape.VARIANCE, Shape.FLATLINE})
"""Shapes that hurt nobody by themselves."""

GRAVE_FACTOR = 3.0
"""Errors this many times as unusual as they must be to be found: 18 points of all requests with the default floor."""


def severity_of(
    signal: Signal, shape: Shape, magnitude: float, forecast: Forecast | None, now: Utc, config: AnalysisConfig
) -> Severity:
    """Critical: down, halted, failing by much, or at its limit within the next window. Info: harmless shapes."""
    soon = now + timedelta(seconds=config.window_seconds)
    halted = signal is Signal.STATE and abs(magnitude) >= config.max_z
    failing = signal is Signal.ERRORS and shape is not Shape.SPIKE and magnitude >= GRAVE_FACTOR * config.robust_z
    if shape is Shape.ABSENT_UP or halted or failing or (forecast is not None and forecast.at <= soon):
        return Severity.CRITICAL
    return Severity.INFO if shape in HARMLESS else Severity.WARNING
