"""How sure the answer of a language model is: its own number is one feature among others.

A logistic model like the one of the rules (`analysis.calibration.model`), with weights that are a prior, not a fit: no
outcomes of models are on record when Quell is installed. Read as odds, and chosen to be rather too low than too high:

- what the rules make of the same answer counts in full, as log-odds (`support`);
- a model that is right in two of three cases, spread over several candidates, multiplies the odds by about 6 when it
  cites two pieces of evidence of two kinds (`intercept`); more and other evidence raises them, less lowers them;
- its own number adds little when it is high, for models are overconfident (Xiong et al. 2024, arXiv:2306.13063), and
  takes away much when it is low (`own`, `doubt`);
- another model that said the same, or another thing, counts a little more than one piece of evidence (`agreement`);
- citations that do not exist and numbers that the cited evidence does not show take away (`missing`, `unproven`);
- a past resolution that names the same counts by its similarity and its track record (`recall`).
"""

from __future__ import annotations

from math import log, log1p

from analysis.calibration.model import Calibration, Coefficient
from core.models import Evidence

TYPICAL_PIECES = 2
MOST_PIECES = 5
MOST_KINDS = 4
SUREST = 0.95
"""Nothing that was said before counts for more than these odds, or less than their inverse."""

PRIOR = Calibration(
    version="prior-1",
    intercept=1.8,
    coefficients=(
        Coefficient(name="support", mean=0.0, scale=1.0, weight=1.0),
        Coefficient(name="own", mean=0.8, scale=0.2, weight=0.25),
        Coefficient(name="doubt", mean=0.0, scale=1.0, weight=-2.0),
        Coefficient(name="evidence", mean=round(log1p(TYPICAL_PIECES), 3), scale=1.0, weight=0.6),
        Coefficient(name="diversity", mean=2.0, scale=1.0, weight=0.4),
        Coefficient(name="agreement", mean=0.0, scale=1.0, weight=0.8),
        Coefficient(name="frontier", mean=0.0, scale=1.0, weight=0.5),
        Coefficient(name="missing", mean=0.0, scale=1.0, weight=-1.5),
        Coefficient(name="unproven", mean=0.0, scale=1.0, weight=-1.5),
        Coefficient(name="recall", mean=0.0, scale=1.0, weight=1.0),
    ),
)
"""What counts until outcomes of models are fitted."""


def log_odds(probability: float) -> float:
    """Of a probability, within what is believed at most."""
    bounded = min(max(probability, 1 - SUREST), SUREST)
    return log(bounded / (1 - bounded))


def evidence_features(cited: tuple[Evidence, ...]) -> dict[str, float]:
    """How much evidence an answer rests on, and of how many kinds."""
    kinds = {each.kind for each in cited}
    return {
        "evidence": log1p(min(len(cited), MOST_PIECES)),
        "diversity": float(min(len(kinds), MOST_KINDS)),
    }


def own_features(own: float) -> dict[str, float]:
    """The model's own number; what lies below a half is doubt."""
    return {"own": own, "doubt": max(0.0, 1 - 2 * own)}


def track_record(similarity: float, successes: int, failures: int) -> float:
    """What a past resolution that names the same is worth, 0..1: its similarity, times how often it held."""
    return similarity * successes / (successes + failures + 1)
