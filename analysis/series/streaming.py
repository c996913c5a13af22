"""Scores for samples as they arrive, thousands of series at once, O(1) a sample in time and memory.

A sample is new when it leaves the range that its series has been seen in. Three things are watched: what the time of
day does not explain (spikes), its short mean (level shifts, drifts) and the logarithm of its short spread (noise that
begins; noise that ends, once it has lasted: every series starts as still). How far one of them is outside of its
range, in widths of that range, is its surprise; the surprises add up. Ranges forget: without samples at their edge they
close in at the pace of `memory_samples`.

The parts are textbook: exponentially weighted means (Roberts 1959), additive seasonality shrunk towards the level
(Holt and Winters 1960), the out-of-range rule of Numenta's detector (tolerance 5%,
https://github.com/numenta/NAB/blob/master/nab/detectors/numenta/numenta_detector.py), and the rest after an alarm of
CAD OSE (https://github.com/smirmik/CAD). Nothing looks ahead: a score rests on earlier samples and its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from analysis.series.robust import LARGEST
from core.frames import Floats
from core.models import Model

DAY_SECONDS = 86400.0
ALARM = 0.5  # the score of an excess as large as the tolerance
MAX_EXCESS = 10.0  # widths of a range: more is not more surprising
RESOLUTION = 1e-9  # share of the level below which two values are the same: a constant series has rounding errors
QUIET_SPREAD = 0.05  # share of the usual spread below which a series counts as still
TINY = 1e-300  # keeps a constant series from dividing by nothing
DECIMALS = 6
BLOCK = 4096  # series that are worked on together: their state fits the processor's second cache


class StreamConfig(Model):
    """What the streaming scorer may be tuned by; one configuration serves every series."""

    memory_samples: float = Field(default=10_000.0, gt=1, description="over so many samples the normal is averaged")
    short_samples: float = Field(default=24.0, gt=1, description="over so many, level and spread of the moment are")
    rest_samples: int = Field(default=24, ge=0, description="so long an alarm is not repeated")
    warmup_samples: int = Field(default=100, ge=2, description="earlier samples of a series that a score needs")
    buckets_per_day: int = Field(default=8, ge=1, description="times of the day that are told apart; 1: none")
    seasonal_days: float = Field(default=7.0, ge=1, description="over so many days a time of the day is averaged")
    seasonal_prior: float = Field(default=5.0, gt=0, description="samples at a time of day that weigh like the level")
    tolerance: float = Field(default=0.05, gt=0, description="excess over the seen range, in widths, that scores 0.5")


class _State(NamedTuple):
    """What is remembered of each series; every array has one column, or entry, a series.

    Attributes:
        seen: samples so far.
        last: time of the newest one, seconds since the epoch.
        level, spread: long means of the values and of their absolute residuals.
        mean, short: short means of the residuals and of their absolute values.
        residual: of the newest sample.
        high, low: seen range of residual, its mean and its log spread; shape ``(3, series)``.
        resting: samples until an alarm may be repeated.
        usual, visits: mean and number of samples at each time of day; shape ``(buckets, series)``.
    """

    seen: Floats
    last: Floats
    level: Floats
    spread: Floats
    mean: Floats
    short: Floats
    residual: Floats
    high: Floats
    low: Floats
    resting: Floats
    usual: Floats
    visits: Floats


def _fresh(series: int, buckets: int) -> _State:
    """The state before any sample."""
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_State._fields, (series,))
    shapes |= dict.fromkeys(("high", "low"), (3, series)) | dict.fromkeys(("usual", "visits"), (buckets, series))
    start = {"last": -np.inf, "high": -np.inf, "low": np.inf}
    return _State(**{name: np.full(shape, start.get(name, 0.0)) for name, shape in shapes.items()})


class StreamScorer:
    """How surprising each sample of many series is, in O(series x (buckets + 13)) memory.

    Args:
        series: how many series there are; the columns of `ingest`.
        config: what it is tuned by.
    """

    def __init__(self, series: int, config: StreamConfig | None = None) -> None:
        self._config = config or StreamConfig()
        self._state = _fresh(series, self._config.buckets_per_day)

    @property
    def deviations(self) -> Floats:
        """Newest residual of each series in units of its mean absolute residual, shape ``(series,)``; 0 without spread.

        Usual samples are below 1 or little above; nothing that surprises is.
        """
        spread = self._state.spread
        return np.divide(np.abs(self._state.residual), spread, out=np.zeros(spread.size), where=spread > 0)

    @property
    def warm(self) -> npt.NDArray[np.bool_]:
        """Which series have been seen often enough to be scored, shape ``(series,)``."""
        return self._state.seen > self._config.warmup_samples

    def ingest(self, times: Floats, values: Floats) -> Floats:
        """Score the next samples, oldest first.

        Args:
            times: seconds since the epoch, shape ``(samples,)``, or ``(samples, series)`` when each series has its own.
                A sample that is not newer than those before is ignored.
            values: shape ``(samples, series)``; NaN and infinities are no samples.

        Returns:
            scores, shape ``(samples, series)``: 0 usual, 0.5 an alarm, 1 as surprising as can be; 0 where there is no
            sample.
        """
        scores = np.zeros(values.shape)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, values.shape[1], BLOCK):
                block = slice(start, start + BLOCK)
                when = times if times.ndim == 1 else times[:, block]
                state = _State(*(each[..., block] for each in self._state))
                self._ingest(state, when, values[:, block], scores[:, block])
        return np.round(scores, DECIMALS, out=scores)

    def _ingest(self, state: _State, times: Floats, values: Floats, scores: Floats) -> None:
        """Score a block of series, which fits the processor's cache, into `scores`."""
        for row, (time, value) in enumerate(zip(times, values, strict=True)):
            known = (np.abs(value) <= LARGEST) & (time > state.last) & np.isfinite(time)
            if known.all():
                scores[row] = self._step(state, time, value)
            elif known.any():
                # Few are missing as a rule: all take the step, and those without a sample are put back.
                missing = np.flatnonzero(~known)
                before = [each[..., missing] for each in state]
                when = np.where(known, time, 0.0) if np.ndim(time) else time
                scores[row] = self._step(state, when, np.where(known, value, 0.0))
                scores[row, missing] = 0.0
                for each, old in zip(state, before, strict=True):
                    each[..., missing] = old

    def _step(self, state: _State, time: Any, values: Floats) -> Floats:
        """Scores of one finite sample of each series, shape ``(series,)``; the state learns them."""
        config = self._config
        np.add(state.seen, 1.0, out=state.seen)
        pace = 1.0 / np.minimum(state.seen, config.memory_samples)
        short_pace = 1.0 / np.minimum(state.seen, config.short_samples)
        _approach(state.level, values, pace)
        self._expect(state, time, values)
        size = np.abs(state.residual)
        _approach(state.spread, size, pace)
        _approach(state.mean, state.residual, short_pace)
        _approach(state.short, size, short_pace)
        watched = np.empty((3, values.size))
        watched[0], watched[1] = state.residual, state.mean
        np.log(state.short / (state.spread + TINY) + QUIET_SPREAD, out=watched[2])
        excess = self._excess(state, watched)
        ready = (state.seen > config.warmup_samples) & (state.resting <= 0)
        surprise = np.where(ready, excess[0] + excess[1] + excess[2], 0.0)
        scores: Floats = surprise / (surprise + config.tolerance)
        np.subtract(state.resting, 1.0, out=state.resting)
        alarms = scores >= ALARM
        if alarms.any():
            state.resting[alarms] = config.rest_samples
        return scores

    def _expect(self, state: _State, time: Any, values: Floats) -> None:
        """Set the residual: what neither level nor earlier samples at this time of day explain. Learn the latter."""
        config = self._config
        buckets = config.buckets_per_day
        bucket = (np.mod(time, DAY_SECONDS) * (buckets / DAY_SECONDS)).astype(np.intp) % buckets
        here = (bucket, np.arange(values.size)) if bucket.ndim else bucket
        usual, visits = state.usual[here], state.visits[here]
        expected = state.level + (usual - state.level) * (visits / (visits + config.seasonal_prior))
        residual = values - expected
        np.multiply(residual, np.abs(residual) > RESOLUTION * np.abs(values), out=state.residual)
        per_second = config.buckets_per_day / (config.seasonal_days * DAY_SECONDS)
        pace = np.maximum(1.0 / (visits + 1.0), np.minimum((time - state.last) * per_second, 1.0))
        state.usual[here] = usual + (values - usual) * pace
        state.visits[here] = visits + 1.0
        state.last[:] = time

    def _excess(self, state: _State, watched: Floats) -> Floats:
        """How far each watched value is outside of its seen range, in widths, shape ``(3, series)``; the range learns.

        An edge moves to a value beyond it at once, and towards one within at the pace of the memory.
        """
        beyond = np.maximum(watched - state.high, state.low - watched)
        excess = np.clip(beyond / (state.high - state.low + TINY), 0.0, MAX_EXCESS)
        for edge, wider in ((state.high, np.fmax), (state.low, np.fmin)):
            wider(edge + (watched - edge) * (1.0 / self._config.memory_samples), watched, out=edge)
        return excess


def _approach(mean: Floats, values: Floats, pace: Floats) -> None:
    """Move exponentially weighted means, in place, towards new values."""
    mean += (values - mean) * pace
