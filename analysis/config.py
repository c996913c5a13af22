"""Every number that the analysis may be tuned by, with its unit and reason."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from core.models import Model, Signal


class Floor(Model):
    """The smallest scale that a series is given, so that a flat series does not turn noise into huge z."""

    absolute: float = Field(default=0.0, ge=0, description="in the unit of the signal")
    relative: float = Field(default=0.0, ge=0, description="share of the baseline's median")


DEFAULT_FLOORS: dict[Signal, Floor] = {
    Signal.ERRORS: Floor(absolute=0.02),
    Signal.LATENCY: Floor(absolute=0.05, relative=0.25),
    Signal.TRAFFIC: Floor(absolute=1.0, relative=0.15),
    Signal.CPU: Floor(absolute=0.03, relative=0.10),
    Signal.MEMORY: Floor(absolute=8 * 2**20, relative=0.10),
    Signal.DISK: Floor(absolute=64 * 2**20, relative=0.02),
    Signal.NETWORK: Floor(absolute=100e3, relative=0.5),
    Signal.POOL: Floor(absolute=1.0, relative=0.10),
    Signal.FILES: Floor(absolute=10.0, relative=0.10),
    Signal.CLOCK: Floor(absolute=0.05),
    Signal.UP: Floor(absolute=0.1),
}
"""One z is worth at least: 2 points of failed requests, 50 ms, 1 request/s, 3% of a core, 8 MiB, 64 MiB of disk, 100
kB/s and half of the usual network traffic (bursts are its nature), one connection, 10 files, 50 ms of clock, a tenth of
up."""

HISTORY_FLOORS: dict[Signal, Floor] = {
    Signal.ERRORS: Floor(absolute=0.01),
    Signal.LATENCY: Floor(absolute=0.02, relative=0.15),
    Signal.TRAFFIC: Floor(absolute=0.5, relative=0.10),
    Signal.CPU: Floor(absolute=0.01, relative=0.10),
    Signal.MEMORY: Floor(absolute=4 * 2**20, relative=0.05),
    Signal.UP: Floor(absolute=0.1),
}
"""The same against a normal that rests on days of history: its scale is known better than that of some minutes."""

LOGARITHMIC = frozenset({Signal.LATENCY})
"""Signals whose noise grows with their level: distances are measured on a logarithm."""


class AnalysisConfig(Model):
    """Windows, thresholds and floors of the analysis."""

    window_seconds: float = Field(default=300.0, gt=0, description="length of the analysed window")
    baseline_seconds: float = Field(default=3600.0, gt=0, description="length of the normal span before the window")
    step_seconds: float = Field(default=15.0, gt=0, description="distance of two samples")
    rate_window_seconds: float = Field(default=60.0, gt=0, description="span over which counters become rates")
    robust_z: float = Field(default=3.0, gt=0, description="deviation from which a sample counts as unusual")
    forecast_spans: float = Field(
        default=4.0, gt=0, description="how far ahead a steady rise is followed, in lengths of its own span"
    )
    max_z: float = Field(default=100.0, gt=0, description="deviations are capped here")
    min_baseline_samples: int = Field(default=5, ge=2, description="fewer samples make no baseline")
    min_unusual_samples: int = Field(default=2, ge=1, description="fewer unusual samples in a window are noise")
    min_unusual_share: float = Field(default=0.2, gt=0, le=1, description="share of the window that must be unusual")
    floors: dict[Signal, Floor] = Field(default=DEFAULT_FLOORS, description="by signal; those left out get defaults")
    history_floors: dict[Signal, Floor] = Field(
        default=HISTORY_FLOORS, description="the same for normals from history; those left out get defaults"
    )
    saturated_rise_cores: float = Field(default=0.15, gt=0, description="cpu: a smaller rise is no burning process")
    saturated_cores: float = Field(default=0.7, gt=0, description="cpu, in cores, from which a risen process burns")
    saturated_factor: float = Field(
        default=5.0, gt=1, description="... or this many times its usual: on a crowded machine nobody gets a whole core"
    )
    min_log_lines: int = Field(default=3, ge=1, description="fewer lines of a template in the window are noise")
    max_log_templates: int = Field(default=2000, ge=1, description="templates kept per service; the rest share one row")
    change_lookback_seconds: float = Field(default=1800.0, gt=0, description="older changes are no suspects")
    max_hypotheses: int = Field(default=5, ge=1, description="hypotheses kept in a diagnosis")
    max_digest_tokens: int = Field(default=1200, ge=50, description="upper bound of one digest")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.window_seconds < 2 * self.step_seconds:
            raise ValueError("window_seconds must span at least two steps: shorten step_seconds")
        if self.baseline_seconds < self.min_baseline_samples * self.step_seconds:
            raise ValueError("baseline_seconds holds fewer than min_baseline_samples steps: shorten step_seconds")
        return self

    def floor(self, signal: Signal) -> Floor:
        """The configured floor of a signal, or its default."""
        return self.floors.get(signal) or DEFAULT_FLOORS.get(signal) or Floor()

    def history_floor(self, signal: Signal) -> Floor:
        """The configured floor of a signal whose normal comes from history, or its default."""
        return self.history_floors.get(signal) or HISTORY_FLOORS.get(signal) or self.floor(signal)
