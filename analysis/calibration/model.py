"""A fitted calibration, applied by plain arithmetic, and the outcomes that it is fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp

from pydantic import Field

from core.models import Model

LOWEST, HIGHEST = 0.01, 0.99
"""Nobody is ever sure: a probability of 0 or 1 would be beyond any evidence."""


class Coefficient(Model):
    """One feature of a calibration: ``weight x (value - mean) / scale`` is added to the log-odds."""

    name: str
    mean: float
    scale: float = Field(gt=0)
    weight: float


class Calibration(Model):
    """A logistic model of the probability that the first hypothesis is right.

    Attributes are rounded, so that every machine applies the same numbers.
    """

    version: str = Field(description="names the fit in records; 'shipped' for the one that comes with Quell")
    intercept: float = Field(description="log-odds of an average first hypothesis")
    coefficients: tuple[Coefficient, ...]
    outcomes: int = Field(default=0, ge=0, description="how many judged diagnoses it was fitted on")

    def probability(self, features: Mapping[str, float]) -> float:
        """Probability for these features; one that is missing counts as average, one that is unknown for nothing."""
        odds = self.intercept
        for one in self.coefficients:
            if one.name in features:
                odds += one.weight * (features[one.name] - one.mean) / one.scale
        return min(max(1 / (1 + exp(-min(max(odds, -50.0), 50.0))), LOWEST), HIGHEST)


class Outcome(Model):
    """One diagnosis and whether its first hypothesis was right."""

    features: dict[str, float]
    right: bool
    system: str = Field(description="what is left out together in cross-validation: a data set, a service ...")


class Quality(Model):
    """What a set of probabilities is worth.

    The calibration error has 5 bins of equal mass (Naeini et al. 2015; adaptive bins: Nixon et al. 2019), the Brier
    score is the mean squared error of the probabilities (Brier 1950).
    """

    outcomes: int
    base_rate: float = Field(description="share of the outcomes that was right")
    ece: float = Field(description="expected calibration error")
    ece_low: float = Field(description="lower end of its 90% bootstrap interval")
    ece_high: float = Field(description="upper end of its 90% bootstrap interval")
    brier: float
    skill: float = Field(description="1 - brier / brier of always saying the base rate; above 0: it knows something")


class Refit(Model):
    """What a refit came to."""

    taken: bool
    reason: str
    outcomes: int = Field(description="diagnoses of which it is known whether they were right")
    old: Quality | None = Field(default=None, description="the fit that counts, on these outcomes")
    new: Quality | None = Field(
        default=None, description="the new one, each outcome by a fit that never saw its service"
    )
    calibration: Calibration | None = Field(default=None, description="the new fit, when it was taken")
