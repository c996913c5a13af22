"""From a claim to a number: the features of `analysis.calibration.judging`, and what lowers it afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agents.spec import Claim, Out
from analysis.calibration.judging import PRIOR, evidence_features, log_odds, own_features
from analysis.rounding import probability
from core.models import Evidence, Rung

CONTRADICTED = 0.5
"""What words that contradict the number leave of it."""

HEDGES = (
    "cannot tell", "can not tell", "cannot be determined", "cannot determine", "unclear", "not clear", "inconclusive",
    "no evidence", "not enough evidence", "insufficient evidence", "i am not sure", "not certain", "uncertain",
    "just a guess", "pure speculation", "do not know", "don't know", "impossible to say", "no clear cause",
)  # fmt: skip
"""Words of somebody who does not know."""

SURE_NUMBER = 0.6
"""Whoever gives such a number says that he does know."""


def confidence_of(claim: Claim[Out], evidence: Mapping[str, Evidence], rung: Rung, agreement: float) -> float:
    """Probability that the claim is right, 0..1, rounded; halved where its words contradict it."""
    features = {
        **own_features(claim.own),
        **evidence_features(tuple(evidence[one] for one in claim.cites if one in evidence)),
        "missing": claim.dropped / (claim.dropped + len(claim.cites)) if claim.dropped else 0.0,
        "unproven": _share_unproven(claim),
        "agreement": float(agreement),
        "frontier": float(rung is Rung.FRONTIER),
        "recall": claim.recall,
    }
    if claim.support is not None:
        features["support"] = log_odds(claim.support)
    sure = min(PRIOR.probability(features), claim.at_most)
    return probability(sure * CONTRADICTED if claim.contradiction else sure)


def contradiction_of(story: str, own: float, names: str = "", others: Iterable[str] = ()) -> str:
    """How a story contradicts what it is told for; empty when it does not.

    Args:
        own: the number that the model gave.
        names: the service that the answer names, if it names one.
        others: services that it does not name.
    """
    words = story.lower()
    hedge = next((each for each in HEDGES if each in words), "")
    if hedge and own >= SURE_NUMBER:
        return f"it says {hedge!r} and gives {own:.2f}"
    if names and words and names.lower() not in words:
        other = next((each for each in others if each.lower() in words), "")
        if other:
            return f"it tells of {other} and names {names}"
    return ""


def _share_unproven(claim: Claim[Out]) -> float:
    """Share of the sentences with a number that the cited evidence does not show."""
    sentences = claim.story.sentences
    return sum(bool(each.unproven) for each in sentences) / len(sentences) if sentences else 0.0
