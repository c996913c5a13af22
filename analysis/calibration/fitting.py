"""Fitting a calibration: logistic regression with a Gaussian prior around the fit before.

Without a fit before, the prior is centred at no effect of any feature (ridge; Hoerl & Kennard 1970). With one, new
outcomes move the old weights only as far as they carry (le Cessie & van Houwelingen 1992), so that ten incidents do not
throw away what a thousand taught.

A first fit is for systems that nobody has seen. Outcomes of one system are alike, so a hundred of them say less about
the next system than twenty each of five: each counts ``1 / (1 + (n - 1) r)``, the design effect of a cluster of `n`
with intraclass correlation `r` (Kish 1965), which is estimated from the outcomes (analysis of variance; Fleiss 1981).
A later fit is for the services that it was fitted on, where each outcome counts in full.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]  # scipy ships no types
from scipy.special import expit  # type: ignore[import-untyped]  # as above

from analysis.calibration.model import Calibration, Coefficient, Outcome
from core.frames import Floats

PRIOR_STRENGTH = 1.0
"""Inverse variance of a weight around its prior, for features of unit variance."""

FREE_INTERCEPT = 0.1
"""The same for the intercept of a first fit: nearly free, and finite when every outcome was right."""

FEATURES = ("score", "contrast", "agreement", "watched", "hard")
"""What a first fit looks at: strength, distance to the rival, accord of the sources, blind spots, hard facts. How many
families or pieces of evidence speak depends on what a system records more than on who is right, and did not carry over
from one system to another."""

DECIMALS = 4


def fit(
    outcomes: Sequence[Outcome],
    version: str,
    before: Calibration | None = None,
    features: Sequence[str] = FEATURES,
) -> Calibration:
    """The most probable weights after these outcomes.

    Args:
        features: what a first fit looks at; a later one looks at what the fit before did.
        before: the fit whose weights are the prior, with its own means and scales; None: weights of 0, and means and
            scales of the outcomes.

    Raises:
        ValueError: there are no outcomes and no fit before.
    """
    if not outcomes:
        if before is None:
            raise ValueError("a calibration cannot be fitted on nothing")
        return before
    right = np.array([outcome.right for outcome in outcomes], dtype=np.float64)
    worth = system_worth(outcomes) if before is None else np.ones(right.size)
    scaling = _scaling(outcomes, worth, features) if before is None else before.coefficients
    design = _design(outcomes, scaling)
    start = np.zeros(len(scaling) + 1)
    if before is not None:
        start = np.array([before.intercept, *(one.weight for one in before.coefficients)])
    strength = np.full(start.size, PRIOR_STRENGTH)
    strength[0] = FREE_INTERCEPT if before is None else PRIOR_STRENGTH
    found = minimize(_loss, start, args=(design, right, worth, start, strength), jac=True, method="L-BFGS-B", tol=1e-9)
    intercept, *weights = (round(float(weight), DECIMALS) for weight in found.x)
    return Calibration(
        version=version,
        intercept=intercept,
        coefficients=tuple(
            one.model_copy(update={"weight": weight}) for one, weight in zip(scaling, weights, strict=True)
        ),
        outcomes=len(outcomes) + (before.outcomes if before else 0),
    )


def system_worth(outcomes: Sequence[Outcome]) -> Floats:
    """How much each outcome counts where systems differ, 0..1 each: 1 when they do not. Shape ``(outcomes,)``."""
    systems = list(dict.fromkeys(outcome.system for outcome in outcomes))
    member = np.array([[outcome.system == system for outcome in outcomes] for system in systems], dtype=np.float64)
    sizes = member.sum(axis=1)
    alike = _likeness(np.array([outcome.right for outcome in outcomes], dtype=np.float64), member, sizes)
    counts: Floats = member.T @ (1 / (1 + (sizes - 1) * alike))
    return counts


def _likeness(right: Floats, member: Floats, sizes: Floats) -> float:
    """Intraclass correlation of what was right, 0..1; 0 when there is too little to estimate it from.

    Args:
        member: 1 where an outcome is of a system. Shape ``(systems, outcomes)``.
        sizes: outcomes a system.
    """
    systems, count = member.shape
    if systems < 2 or count <= systems:
        return 0.0
    means = member @ right / sizes
    between = float(sizes @ (means - right.mean()) ** 2) / (systems - 1)
    within = float(np.sum((right - member.T @ means) ** 2)) / (count - systems)
    size = (count - float(sizes @ sizes) / count) / (systems - 1)
    total = between + (size - 1) * within
    return min(1.0, max(0.0, (between - within) / total)) if total > 0 else 0.0


def _scaling(outcomes: Sequence[Outcome], worth: Floats, features: Sequence[str]) -> tuple[Coefficient, ...]:
    """Mean and spread of each feature; one that never varies keeps a scale of 1 and so has no say."""
    found = []
    for name in features:
        values = np.array([outcome.features.get(name, 0.0) for outcome in outcomes])
        centre = float(np.average(values, weights=worth))
        spread = round(float(np.sqrt(np.average((values - centre) ** 2, weights=worth))), DECIMALS)
        mean = round(centre, DECIMALS)
        found.append(Coefficient(name=name, mean=mean, scale=spread or 1.0, weight=0.0))
    return tuple(found)


def _design(outcomes: Sequence[Outcome], scaling: Sequence[Coefficient]) -> Floats:
    """Shape ``(outcomes, 1 + features)``: a column of ones, then the scaled features, 0 where one is missing."""
    rows = [
        [1.0, *((outcome.features.get(one.name, one.mean) - one.mean) / one.scale for one in scaling)]
        for outcome in outcomes
    ]
    return np.array(rows, dtype=np.float64)


def _loss(
    weights: Floats, design: Floats, right: Floats, worth: Floats, prior: Floats, strength: Floats
) -> tuple[float, Floats]:
    """Negative log posterior and its gradient; `strength` is the inverse variance around the prior, by weight."""
    odds = design @ weights
    apart = weights - prior
    loss = float(np.sum(worth * (np.logaddexp(0.0, odds) - right * odds)) + np.sum(strength * apart**2) / 2)
    gradient = design.T @ (worth * (expit(odds) - right)) + strength * apart
    return loss, gradient
