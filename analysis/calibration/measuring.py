"""How good probabilities are: calibration error, Brier skill, and both without having seen the system."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.calibration.fitting import fit
from analysis.calibration.model import Calibration, Outcome, Quality
from analysis.rounding import significant
from core.frames import Floats

BINS = 5
RESAMPLES = 1000
SEED = 20_260_101


def quality(probabilities: Floats, right: Floats) -> Quality:
    """Measure probabilities, shape ``(n,)``, against what was right, 0 or 1, same shape.

    Raises:
        ValueError: there is nothing to measure.
    """
    if probabilities.size == 0:
        raise ValueError("no outcomes to measure")
    random = np.random.default_rng(SEED)
    draws = random.integers(0, right.size, (RESAMPLES, right.size))
    spread = [calibration_error(probabilities[draw], right[draw]) for draw in draws]
    low, high = np.quantile(spread, (0.05, 0.95))
    base_rate = float(right.mean())
    brier = float(np.mean((probabilities - right) ** 2))
    reference = float(np.mean((base_rate - right) ** 2))
    return Quality(
        outcomes=right.size,
        base_rate=significant(base_rate),
        ece=significant(calibration_error(probabilities, right)),
        ece_low=significant(float(low)),
        ece_high=significant(float(high)),
        brier=significant(brier),
        skill=significant(1 - brier / reference) if reference > 0 else 0.0,
    )


def calibration_error(probabilities: Floats, right: Floats) -> float:
    """Mean distance between what was said and what happened, over bins of equal mass."""
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, min(BINS, order.size)) if part.size]
    gaps = [abs(float(probabilities[part].mean() - right[part].mean())) * part.size for part in bins]
    return sum(gaps) / order.size


def held_out(outcomes: Sequence[Outcome], before: Calibration | None = None) -> Floats:
    """Probabilities, each from a fit that never saw the system of its outcome. Shape ``(n,)``."""
    found = np.empty(len(outcomes))
    for system in dict.fromkeys(outcome.system for outcome in outcomes):
        others = [outcome for outcome in outcomes if outcome.system != system]
        model = fit(others, "held out", before) if others or before else None
        for index, outcome in enumerate(outcomes):
            if outcome.system == system:
                found[index] = model.probability(outcome.features) if model else 0.5
    return found


def as_right(outcomes: Sequence[Outcome]) -> Floats:
    """What was right, 0 or 1. Shape ``(n,)``."""
    return np.array([outcome.right for outcome in outcomes], dtype=np.float64)


def better_by(new: Floats, old: Floats, right: Floats) -> float:
    """Lower end of the 90% bootstrap interval of how much lower the new Brier score is; above 0 means better."""
    gains = (old - right) ** 2 - (new - right) ** 2
    random = np.random.default_rng(SEED)
    draws = random.integers(0, right.size, (RESAMPLES, right.size))
    return float(np.quantile(gains[draws].mean(axis=1), 0.05))
