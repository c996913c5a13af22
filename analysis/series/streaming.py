"""Scores for samples as they arrive, thousands of series at once, O(1) a sample in time and memory.

A sample is compared with the exponentially weighted mean and variance of those before it (Roberts, "Control Chart
Tests Based on Geometric Moving Averages", 1959). Nothing looks ahead: a score rests on earlier samples and its own.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from core.frames import Floats
from core.models import Model


class StreamConfig(Model):
    """What the streaming scorer may be tuned by."""

    memory_samples: float = Field(default=500.0, gt=1, description="effective length of the remembered normal")
    warmup_samples: int = Field(default=30, ge=2, description="earlier samples of a series that a score needs")


class StreamScorer:
    """How surprising each sample of many series is.

    Args:
        series: how many series there are; the columns of `ingest`.
        config: what it is tuned by.
    """

    def __init__(self, series: int, config: StreamConfig | None = None) -> None:
        self._config = config or StreamConfig()
        self._last = -np.inf
        self._seen = np.zeros(series)
        self._mean = np.zeros(series)
        self._variance = np.zeros(series)

    def ingest(self, times: Floats, values: Floats) -> Floats:
        """Score the next samples, oldest first.

        Args:
            times: seconds since the epoch, shape ``(samples,)``; a row that is not newer than those before is ignored.
            values: shape ``(samples, series)``; NaN and infinities are no samples.

        Returns:
            scores, shape ``(samples, series)``, 0 usual to 1 as surprising as can be; 0 where there is no sample.
        """
        scores = np.zeros(values.shape)
        for row, time in enumerate(times):
            if time > self._last:
                self._last = float(time)
                scores[row] = self._step(values[row])
        return scores

    def _step(self, values: Floats) -> Floats:
        known = np.isfinite(values)
        distance = np.where(known, values - self._mean, 0.0)
        weight = np.where(known, np.maximum(1.0 / (self._seen + 1.0), 1.0 / self._config.memory_samples), 0.0)
        spread = np.sqrt(self._variance)
        beyond = np.abs(distance) - 3.0 * spread
        ready = self._seen >= self._config.warmup_samples
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(ready & (beyond > 0), beyond / (beyond + spread), 0.0)
        self._variance = (1.0 - weight) * (self._variance + weight * distance * distance)
        self._mean += weight * distance
        self._seen += known
        return scores
