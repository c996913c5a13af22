"""When requests began to go otherwise: one change in series of outcomes whose usual share is known.

The generalised likelihood ratio for a change at an unknown time to an unknown level (Lorden, "Procedures for reacting
to a change in distribution", Annals of Mathematical Statistics 1971; Basseville and Nikiforov, "Detection of Abrupt
Changes", 1993, section 2.4): how much more likely the outcomes from an instant on are at their own share than at the
usual one. What has been unusual all along says nothing of an instant, so the ratio counts less what it is at the first
outcome.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from analysis.traces.sequences import MIN_REQUESTS, TURN_Z

LEAST_GAIN = TURN_Z**2 / 2
"""Log likelihood ratio that a change at one instant must gain: twice it is distributed as the square of a z."""

HALF = 0.5

DIGITS = 6


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Whether each of several requests went a certain way.

    Attributes:
        at: when each began, sorted, seconds since the epoch.
        odd: 0 or 1; in between where a request came to the same point several times.
        usual: share of earlier requests that went that way, more than 0 and less than 1.
        more: whether the way is unusual because it is taken more often, not less.
    """

    at: Sequence[float]
    odd: Sequence[float]
    usual: float
    more: bool = True


def changed_at(groups: Sequence[Sequence[Outcomes]]) -> float | None:
    """The instant from which the outcomes of one group, taken together, are otherwise than before.

    Of several groups that changed, the one that gains most tells. At least `MIN_REQUESTS` outcomes follow the change.
    It may be at any of the outcomes, so their number is discounted (Bonferroni).

    Returns:
        when the first request after the change began; None when no group gains enough by a change after its first one.
    """
    best: tuple[float, float] | None = None
    for group in groups:
        times = sorted(at for series in group for at in series.at)
        candidates = list(dict.fromkeys(times[: len(times) - MIN_REQUESTS + 1]))
        if not candidates:
            continue
        ratios = [round(sum(_ratio(series, at) for series in group), DIGITS) for at in candidates]
        gain, at = max(zip(ratios, candidates, strict=True), key=lambda one: (one[0], -one[1]))
        gain -= ratios[0] + log(len(candidates))
        if gain >= LEAST_GAIN and (best is None or (gain, -at) > (best[0], -best[1])):
            best = (gain, at)
    return None if best is None else best[1]


def _ratio(series: Outcomes, since: float) -> float:
    """Log likelihood ratio of the outcomes from an instant on; 0 where they are not unusual in the direction asked."""
    odd = series.odd[bisect_left(series.at, since) :]
    share = (sum(odd) + HALF) / (len(odd) + 1)
    if not odd or (share > series.usual) is not series.more:
        return 0.0
    part = sum(odd)
    return part * log(share / series.usual) + (len(odd) - part) * log((1 - share) / (1 - series.usual))
