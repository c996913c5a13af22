"""What a series usually is, from its history, and how far its last minutes are from that."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from core.models.base import Model


class Past(StrEnum):
    """Which part of its history a series is compared with, the most alike first."""

    SAME_HOUR_OF_WEEK = "same_hour_of_week"
    SAME_HOUR = "same_hour"
    LAST_DAY = "last_day"


class Usual(Model):
    """The normal of one series in one part of its history."""

    past: Past
    median: float
    spread: float = Field(description="robust standard deviation; of ln(value + start) for latencies")
    low: float = Field(description="5% of the samples were below")
    high: float = Field(description="5% of the samples were above")
    samples: int


class WindowDeviation(Model):
    """How far a series was from its normal over the last minutes."""

    seconds: float = Field(description="length of the window, which ends with the analysed one")
    deviation: float = Field(description="mean of the robust z of its samples")
