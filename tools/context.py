"""All that a query may look at: nothing is read from the environment or from a clock of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.config import AnalysisConfig
from core.models import Alert, Window
from tools.inventory import Inventory
from tools.signals import SignalSpec
from tools.sources import Sources


@dataclass(frozen=True, slots=True)
class QueryContext:
    """One look at the system.

    Attributes:
        now: the instant of the look; part of the key of every recorded state.
        window: the time that is suspected, up to `now`.
        baseline: the time before it that counts as normal.
        signals: how each signal is measured; one spec a signal.
        alerts: the alerts of the incident.
    """

    incident_id: str
    now: datetime
    window: Window
    baseline: Window
    inventory: Inventory
    sources: Sources
    signals: tuple[SignalSpec, ...]
    analysis: AnalysisConfig
    alerts: tuple[Alert, ...] = ()

    @property
    def span(self) -> Window:
        """Baseline and window, with whatever lies between."""
        return Window(start=min(self.baseline.start, self.window.start), end=self.window.end)


LONGEST_WINDOW = 4.0
"""An alert that waited long stretches the analysed window, at most to this many times its configured length."""


def windows(now: datetime, alerts: Sequence[Alert], config: AnalysisConfig) -> tuple[Window, Window]:
    """The analysed window, reaching back before the first alert began, and the baseline right before it."""
    length = timedelta(seconds=config.window_seconds)
    starts = [alert.starts_at - length / 2 for alert in alerts]
    start = max(min([now - length, *starts]), now - LONGEST_WINDOW * length)
    return Window(start=start, end=now), Window(start=start - timedelta(seconds=config.baseline_seconds), end=start)
