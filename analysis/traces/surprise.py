"""How unusual a share of requests, or a duration, is against the same in several earlier windows.

One earlier window proves little: it may have been unusual itself, and how much windows differ among each other is only
seen from several. Both measures take the median over them, and their spread as part of the scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, sqrt
from statistics import median
from typing import NamedTuple

from analysis.config import Floor
from analysis.rounding import significant

SPREAD = 0.2
"""Least spread of a share between windows, on the scale of `_angle`: 10 points at a half, 1 point near 0 and 1."""

MAD_TO_SIGMA = 1.4826


class Share(NamedTuple):
    """So many of so many."""

    part: int
    whole: int


def share_surprise(now: Share, before: Sequence[Share]) -> float:
    """Signed z of a share against the median of those of earlier windows.

    Shares are compared as angles, ``2 asin(sqrt(p))``, whose variance is 1/n whatever p is (Anscombe, "The
    transformation of Poisson, binomial and negative-binomial data", Biometrika 1948). To the variance of this share
    come that of the median, which shrinks with the number of windows, and how much windows differ anyway. 0 without
    anything to compare.
    """
    known = [each for each in before if each.whole > 0]
    if now.whole <= 0 or not known:
        return 0.0
    angles = [_angle(each) for each in known]
    spread = max(SPREAD, _mad_sigma(angles))
    variance = 1 / now.whole + median(1 / each.whole for each in known) / len(known) + spread**2
    return significant((_angle(now) - median(angles)) / sqrt(variance))


def level_surprise(now: float, before: Sequence[float], floor: Floor) -> float:
    """Signed z of a typical duration against those of earlier windows; one z is worth at least the floor."""
    if not before:
        return 0.0
    usual = median(before)
    scale = max(floor.absolute, floor.relative * abs(usual), _mad_sigma(before))
    return significant((now - usual) / scale) if scale > 0 else 0.0


def _angle(share: Share) -> float:
    return 2 * asin(sqrt(min(1.0, share.part / share.whole)))


def _mad_sigma(values: Sequence[float]) -> float:
    middle = median(values)
    return MAD_TO_SIGMA * median(abs(value - middle) for value in values)
