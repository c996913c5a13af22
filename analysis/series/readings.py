"""One series against its baseline: the numbers that findings, digests and recovery all rest on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import numpy.typing as npt

from analysis.config import AnalysisConfig
from analysis.series.baselines import Baseline, clean, normal_for, robust_z
from analysis.series.limits import LIMIT_SIGNALS, LIMITS
from analysis.series.onset import Onset, find_onset
from analysis.series.robust import median_of
from analysis.series.shapes import Departure, became_restless, fell_silent, froze
from analysis.series.trends import Trend, steady_rise
from analysis.view import SignalFrame
from core.frames import Floats
from core.models import Shape, Signal, Window

Mask = npt.NDArray[np.bool_]

DIRECTIONS: dict[Signal, tuple[int, ...]] = {
    Signal.ERRORS: (1,),
    Signal.LATENCY: (1,),
    Signal.CPU: (1,),
    Signal.MEMORY: (1,),
    Signal.TRAFFIC: (1, -1),
    **dict.fromkeys(LIMITS, (1,)),
    **dict.fromkeys(LIMIT_SIGNALS, ()),
}
"""Which way a signal must move to be unusual: fewer errors are good news. Signals not listed: both ways."""

SLOW_SIGNALS = frozenset({*LIMITS, Signal.ERRORS, Signal.LATENCY})
"""Signals whose steady rise is wrong by itself; load rises every morning, and cpu with it."""

ALWAYS_SAMPLED = frozenset({Signal.TRAFFIC, Signal.CPU, Signal.MEMORY})
"""Signals that a living process always has; ratios and quantiles are undefined without traffic."""

UP_THRESHOLD = 0.5  # `up` is averaged over instances: below half of them the service counts as down


@dataclass(frozen=True, slots=True)
class Reading:
    """What one series says.

    Attributes:
        normal: its baseline; None when that held no samples.
        current: median of the window, since the onset if there is one, of the unusual samples only if the spike is
            over; of `up` the share of the time that it was; None without samples.
        deviation: robust z of `current`; None when it or the baseline is missing.
        samples: finite samples in the window.
        shape: how it left its baseline; None when it did not, or when too little is known.
        onset: when it left; None when it did not.
        trend: the steady rise that it ends in, for signals that pile up, whether or not that is unusual yet.
    """

    normal: Baseline | None
    current: float | None
    deviation: float | None
    samples: int
    shape: Shape | None = None
    onset: Onset | None = None
    trend: Trend | None = None


def read(frame: SignalFrame, window: Window, baseline: Window, config: AnalysisConfig) -> Reading:
    """Compare the samples in the window (its end included) with those of the baseline before it."""
    times, values = _known_until_end(frame, window, baseline)
    normal = normal_for(frame, times, values, baseline, window, config)
    inside = times >= window.start.timestamp()
    missing = _missing(frame, times, normal, window, config)
    if missing is not None:
        return Reading(normal, None, None, int(inside.sum()), Shape.MISSING, missing)
    if not inside.any():
        return Reading(normal, None, None, 0)

    unusual = _unusual(frame.signal, values, normal, config)
    shape = _shape(frame.signal, values, normal, unusual, inside, config)
    found = find_onset(times, unusual, window.start.timestamp(), config.min_unusual_samples) if shape else None
    telling = values[_telling(inside, unusual, shape, found[0] if found else 0)]
    current = float(telling.mean()) if frame.signal is Signal.UP else median_of(telling)
    deviation = None if normal is None else float(robust_z(np.array([current]), normal, config.max_z)[0])
    reading = Reading(normal, current, deviation, int(inside.sum()), shape, found[1] if found else None)
    return _looked_at_closely(reading, frame.signal, times, values, window, baseline, config)


def _looked_at_closely(
    reading: Reading,
    signal: Signal,
    times: Floats,
    values: Floats,
    window: Window,
    baseline: Window,
    config: AnalysisConfig,
) -> Reading:
    """What the level alone does not tell: a steady rise, silence, a frozen or a restless series."""
    normal = reading.normal
    if signal is Signal.UP or signal in LIMIT_SIGNALS:
        return reading
    if normal is None or normal.samples < config.min_baseline_samples:
        return reading
    floor = config.floor(signal)
    least = max(floor.absolute, floor.relative * abs(normal.median))
    if signal in SLOW_SIGNALS:
        rises = reading.shape is None or (signal in LIMITS and reading.shape is not Shape.SPIKE)
        return _rising(reading, signal, times, values, least, config) if rises else reading
    inside = times >= window.start.timestamp()
    before = (times >= baseline.start.timestamp()) & (times < min(baseline.end, window.start).timestamp())
    if reading.shape in (None, Shape.DROP) and -1 in DIRECTIONS.get(signal, (-1,)):
        silent = fell_silent(times, values, before, inside)
        if silent is not None and normal.median > 0:
            return _departed(reading, Shape.ZERO, replace(silent, z=-silent.z), config)
    if reading.shape is None and values[-1] != 0:
        frozen = froze(times, values, before, inside)
        if frozen is not None:
            return _departed(reading, Shape.FLATLINE, frozen, config)
    if reading.shape is None or (reading.shape is Shape.SPIKE and _both_ways(values[inside], normal, config)):
        restless = became_restless(times, values, before, inside, least, config.robust_z)
        if restless is not None:
            return _departed(reading, Shape.VARIANCE, restless, config)
    return reading


def _both_ways(values: Floats, normal: Baseline, config: AnalysisConfig) -> bool:
    """Whether samples are beyond the threshold above and below."""
    z = robust_z(values, normal, config.max_z)
    least = config.min_unusual_samples
    return int((z >= config.robust_z).sum()) >= least and int((z <= -config.robust_z).sum()) >= least


def _departed(reading: Reading, shape: Shape, found: Departure, config: AnalysisConfig) -> Reading:
    """The reading with a shape that is no matter of level; a level that left too keeps the larger deviation."""
    cap = config.max_z
    deviation = min(max(found.z, -cap), cap)
    if shape is Shape.ZERO:
        deviation = min(deviation, reading.deviation or 0.0)
    return replace(reading, shape=shape, onset=found.onset, deviation=deviation)


def _rising(
    reading: Reading, signal: Signal, times: Floats, values: Floats, least: float, config: AnalysisConfig
) -> Reading:
    """A steady rise takes the place of a level that was left, and shows where none was; `least` is a z at least.

    A rise of half of what is unusual is kept too, as it may be one towards a limit. What has no limit must rise all the
    time: rates over overlapping spans wander.
    """
    third = values.size // 3
    if third == 0 or median_of(values[-third:]) - median_of(values[:third]) < least:
        return reading
    trend = steady_rise(times, values)
    if trend is None or (signal not in LIMITS and trend.start > times[0]):
        return reading
    scale = max(least, trend.noise)
    z = min(trend.rise / scale, config.max_z) if scale > 0 else config.max_z
    if z < config.robust_z / 2:
        return reading
    reading = replace(reading, trend=trend)
    if reading.shape is None and z < config.robust_z:
        return reading
    onset = Onset(trend.onset, trend.uncertainty_seconds)
    deviation = max(z, reading.deviation or 0.0)
    return replace(reading, shape=Shape.TREND, onset=onset, current=trend.level, deviation=deviation)


def unusual_directions(signal: Signal, z: Floats, threshold: float) -> Mask:
    """Which deviations, shape ``(n,)``, are beyond the threshold in a direction that matters for the signal."""
    beyond: Mask = np.zeros(z.size, dtype=np.bool_)
    for sign in DIRECTIONS.get(signal, (1, -1)):
        beyond |= sign * z >= threshold
    return beyond


def _telling(inside: Mask, unusual: Mask, shape: Shape | None, onset_index: int) -> Mask:
    """The samples of the window that tell where the series is now; at least one."""
    if shape is Shape.SPIKE:
        return inside & unusual
    return inside & (np.arange(inside.size) >= onset_index)


def _known_until_end(frame: SignalFrame, window: Window, baseline: Window) -> tuple[Floats, Floats]:
    """Finite samples from the start of the baseline to the end of the window: no look ahead."""
    times, values = clean(frame)
    start = min(baseline.start, window.start).timestamp()
    known = (times >= start) & (times <= window.end.timestamp())
    return times[known], values[known]


def _unusual(signal: Signal, values: Floats, normal: Baseline | None, config: AnalysisConfig) -> Mask:
    """Which samples are unusual. Being down needs no baseline to be wrong; all else needs one."""
    if signal is Signal.UP:
        return values < UP_THRESHOLD
    if normal is None or normal.samples < config.min_baseline_samples:
        return np.zeros(values.size, dtype=np.bool_)
    return unusual_directions(signal, robust_z(values, normal, config.max_z), config.robust_z)


def _shape(
    signal: Signal, values: Floats, normal: Baseline | None, unusual: Mask, inside: Mask, config: AnalysisConfig
) -> Shape | None:
    """How the window left the baseline; None when too few of its samples did, or when it is over for `up`."""
    here = unusual[inside]
    lasting = bool(here[-config.min_unusual_samples :].all()) and here.size >= config.min_unusual_samples
    if signal is Signal.UP:
        since_first = here[int(np.argmax(here)) :]
        flapping = int(here.sum()) > config.min_unusual_samples and bool(since_first.mean() >= UP_THRESHOLD)
        return Shape.ABSENT_UP if lasting or flapping else None
    if normal is None or here.sum() < max(config.min_unusual_samples, ceil(config.min_unusual_share * here.size)):
        return None
    if not lasting:
        return Shape.SPIKE
    return Shape.LEVEL_SHIFT if median_of(values[inside][here]) > normal.median else Shape.DROP


def _missing(
    frame: SignalFrame, times: Floats, normal: Baseline | None, window: Window, config: AnalysisConfig
) -> Onset | None:
    """When the samples of a series that a living process always has ended; None when they did not."""
    if frame.signal not in ALWAYS_SAMPLED or normal is None or normal.samples < config.min_baseline_samples:
        return None
    if not times.size:  # it ended before all that is looked at, which only its history knows
        return None
    last = float(times[-1])
    silent_seconds = window.end.timestamp() - last
    if silent_seconds <= max(3 * config.step_seconds, 0.3 * window.seconds):
        return None
    return Onset(last + config.step_seconds, config.step_seconds)
