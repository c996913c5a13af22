"""Excess failures and excess waiting per second: quantities that a caller passes on and that can be taken off again.

A failed request of a callee is a failed request of its caller, and a second that a callee takes longer is a second
that its caller waits. What a service shows beyond its callees' share is its own. Both are rates: failures per second,
and added seconds times requests per second (the mean number of requests held up, by Little's law, Operations Research
9(3), 1961).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.config import AnalysisConfig, Floor
from analysis.series.baselines import clean, robust_z
from analysis.series.onset import Onset
from analysis.series.readings import Reading, read
from analysis.topology import Topology
from analysis.view import SignalFrame, SystemView
from core.frames import Floats
from core.models import Shape, Signal

SYMPTOMS = (Signal.ERRORS, Signal.LATENCY)
"""Signals that callers of a broken service show too."""

FLOORS = {Signal.ERRORS: Floor(absolute=0.002), Signal.LATENCY: Floor(absolute=0.001, relative=0.1)}
"""0.2 points of availability; a tenth of the latency and 1 ms. Finer than for findings, as the amount ranks."""

MIN_FAILED_REQUESTS = 3.0
"""Fewer failed requests in a window are chance."""

NEGLIGIBLE = 0.01
"""What is left of less than a hundredth is an error of counting."""

_RISEN = (Shape.LEVEL_SHIFT, Shape.SPIKE, Shape.TREND)


@dataclass(frozen=True, slots=True)
class Excess:
    """How much more of one symptom a service shows than usual.

    Attributes:
        rise: mean rise since the fault began: share of failed requests (0..1), or seconds per request.
        flow: `rise` times requests per second; equal to `rise` where traffic is unknown.
        known_traffic: whether requests are known.
        deviation: robust z of the series: whether it counts, not how much.
        onset: when this service's series left its baseline.
        evidence: ids of what it was read from.
    """

    rise: float
    flow: float
    known_traffic: bool
    deviation: float
    onset: Onset
    evidence: tuple[str, ...]


Excesses = Mapping[Signal, Mapping[str, Excess]]
"""By symptom and service; a service whose series did not leave its baseline is not in it."""


def excesses(view: SystemView, config: AnalysisConfig) -> Excesses:
    """Every service's excess of each symptom, all over the same span: from the first onset to the end of the window.

    The deviation only decides whether a service counts; the amount says nothing about how unusual it is.
    """
    fine = config.model_copy(update={"floors": {**config.floors, **FLOORS}})
    traffic = {frame.service: frame for frame in reversed(view.signals) if frame.signal is Signal.TRAFFIC}
    found: dict[Signal, dict[str, Excess]] = {}
    for signal in SYMPTOMS:
        read_frames = [
            (frame, read(frame, view.window, view.baseline, fine)) for frame in view.signals if frame.signal is signal
        ]
        risen = [(frame, reading) for frame, reading in read_frames if _lasting(frame, reading, view, config)]
        since = min((reading.onset.at for _, reading in risen if reading.onset), default=0.0)
        for frame, reading in risen:
            one = _excess(frame, reading, traffic.get(frame.service), max(since, view.window.start.timestamp()), view)
            if one is not None:
                known = found.setdefault(signal, {})
                known[frame.service] = max(one, known.get(frame.service, one), key=lambda each: each.flow)
    return found


def own(service: str, signal: Signal, excess: Excesses, topology: Topology) -> float:
    """What is left of a service's flow once its callees' share is taken off; 0 when they account for all of it.

    A latency counts as the service's own only as far as both the waiting and the seconds per request exceed what the
    callees show: quantiles are no means, so that their product with the requests overstates what busy callers wait.
    """
    mine = excess[signal][service]
    callees = [excess[signal][name] for name in topology.callees(service) if name in excess[signal]]
    left = mine.flow - sum(callee.flow for callee in callees)
    if signal is Signal.LATENCY and callees:
        share = 1 - sum(callee.rise for callee in callees) / mine.rise
        left = min(left, mine.flow * share)
    return left if left > NEGLIGIBLE * mine.flow else 0.0


def accounted(service: str, excess: Excesses, topology: Topology) -> float:
    """The share of a service's symptoms that its callees account for, 0..1, by the symptom that is most its own."""
    shares = [
        1 - own(service, signal, excess, topology) / excess[signal][service].flow
        for signal in excess
        if service in excess[signal]
    ]
    return min(shares, default=0.0)


def _lasting(frame: SignalFrame, reading: Reading, view: SystemView, config: AnalysisConfig) -> bool:
    """Whether the series rose and was mostly unusual since: some scattered samples of a noisy series are chance."""
    if reading.shape not in _RISEN or reading.normal is None or reading.onset is None:
        return False
    times, values = clean(frame)
    since = (times >= reading.onset.at) & (times <= view.window.end.timestamp())
    middle = np.median(values[since], keepdims=True)
    return bool(robust_z(middle, reading.normal, config.max_z)[0] >= config.robust_z)


def _excess(
    frame: SignalFrame, reading: Reading, traffic: SignalFrame | None, since: float, view: SystemView
) -> Excess | None:
    """The excess of one series; None for what is too little to count, or no rise in the end."""
    times, values = clean(frame)
    inside = (times >= since) & (times <= view.window.end.timestamp())
    if reading.normal is None or reading.onset is None or reading.deviation is None or not inside.any():
        return None
    rises = values[inside] - reading.normal.median
    rates = None if traffic is None else _rates(traffic, times[inside])
    if rates is None:
        rise = float(rises.mean())
        return Excess(rise, rise, False, reading.deviation, reading.onset, (frame.evidence,)) if rise > 0 else None
    flow = float((rises * rates).mean())
    seconds = float(times[inside][-1] - times[inside][0]) + _step(times)
    if flow <= 0 or (frame.signal is Signal.ERRORS and flow * seconds < MIN_FAILED_REQUESTS):
        return None
    rise = flow / max(float(rates.mean()), 1e-12)
    evidence = (frame.evidence, traffic.evidence) if traffic else (frame.evidence,)
    return Excess(rise, flow, True, reading.deviation, reading.onset, tuple(dict.fromkeys(evidence)))


def _rates(traffic: SignalFrame, at: Floats) -> Floats | None:
    """Requests per second at those times, shape ``(n,)``, interpolated; None where none are known."""
    times, values = clean(traffic)
    if times.size == 0:
        return None
    rates: Floats = np.maximum(np.interp(at, times, values), 0.0)
    return rates if rates.any() else None


def _step(times: Floats) -> float:
    """Typical distance of two samples in seconds; 0 for a single one."""
    return float(np.median(np.diff(times))) if times.size > 1 else 0.0
