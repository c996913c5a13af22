"""Whether a fit on newer outcomes is better than the one that counts; only a measured yes replaces it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.calibration.fitting import fit
from analysis.calibration.measuring import as_right, better_by, held_out, quality
from analysis.calibration.model import Calibration, Outcome, Refit

MIN_OUTCOMES = 20
"""Fewer judged diagnoses say more about chance than about the fit."""


def refit(outcomes: Sequence[Outcome], current: Calibration, version: str) -> Refit:
    """Fit again around the current weights, and take the new fit only when it is better out of sample.

    Better means: the whole 90% bootstrap interval of the difference of the Brier scores lies on its side.
    """
    right = as_right(outcomes)
    systems = {outcome.system for outcome in outcomes}
    if len(outcomes) < MIN_OUTCOMES:
        reason = f"{len(outcomes)} judged outcomes; {MIN_OUTCOMES} are needed"
        return Refit(taken=False, reason=reason, outcomes=len(outcomes))
    said = np.array([current.probability(outcome.features) for outcome in outcomes])
    old = quality(said, right)
    if len(systems) < 2:
        reason = "all outcomes are of one service: none can be held out to measure a new fit"
        return Refit(taken=False, reason=reason, outcomes=len(outcomes), old=old)
    unseen = held_out(outcomes, current)
    new = quality(unseen, right)
    gain = better_by(unseen, said, right)
    if gain <= 0:
        reason = "the new fit is not measured to be better than the one that counts"
        return Refit(taken=False, reason=reason, outcomes=len(outcomes), old=old, new=new)
    return Refit(
        taken=True,
        reason=f"the new fit is better by at least {gain:.4f} of the Brier score",
        outcomes=len(outcomes),
        old=old,
        new=new,
        calibration=fit(outcomes, version, current),
    )
