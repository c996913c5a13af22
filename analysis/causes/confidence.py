"""How much a suspicion is worth, as plain functions: strength of the evidence, contrast with its rival, diversity.

Nothing here is fitted and nothing depends on the kind of fault:

    saturation(z)  = 1 - threshold / (2 |z|)                    half at the threshold, 1 far beyond it
    clue           = trust in its family x saturation            0..1
    strength       = 1 - product over families (1 - best clue)   noisy-or: families err independently
    contrast       = (strength - rival's strength) / strength    0 when a rival is as strong, 1 without rival
    diversity      = min(1, families / 3)
    probability    = strength x (0.50 + 0.35 contrast + 0.15 diversity)

Noisy-or: Pearl, "Probabilistic Reasoning in Intelligent Systems" (1988), 4.3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.models import Finding


class Family(StrEnum):
    """Where a clue comes from; clues of one family tend to be wrong together."""

    STATE = "state"
    LIVENESS = "liveness"
    RESOURCE = "resource"
    SYMPTOM = "symptom"
    LOGS = "logs"
    SHAPE = "shape"
    CHANGE = "change"
    IMPACT = "impact"
    EXCESS = "excess"
    OPERATIONS = "operations"
    PATTERNS = "patterns"
    CALLS = "calls"
    EDGES = "edges"


TRUST: dict[Family, float] = {
    Family.STATE: 0.9,  # the operating system says so
    Family.LIVENESS: 0.8,  # a scrape may fail for other reasons
    Family.RESOURCE: 0.7,
    Family.CHANGE: 0.7,  # counts only together with the service's own symptom
    Family.SYMPTOM: 0.5,  # shows in every caller too
    Family.IMPACT: 0.4,  # the callers suffer, as they would
    Family.LOGS: 0.3,
    Family.SHAPE: 0.7,  # all that a known shape needs was seen together
    Family.EXCESS: 0.5,
    Family.OPERATIONS: 0.6,
    Family.PATTERNS: 0.6,
    Family.CALLS: 0.6,
    Family.EDGES: 0.6,
}
"""How far one family alone may convince."""

SAME_SOURCE: dict[Family, Family] = {Family.EXCESS: Family.SYMPTOM, Family.PATTERNS: Family.LOGS}
"""Families that read the same data another way: they are wrong together, so only the stronger of the two counts."""

BASE_SHARE, CONTRAST_SHARE, DIVERSITY_SHARE = 0.50, 0.35, 0.15
FULL_DIVERSITY = 3


@dataclass(frozen=True, slots=True)
class Clue:
    """One reason to suspect a service.

    Attributes:
        family: where it comes from.
        weight: 0..1 within its family.
        evidence: ids; never empty.
        finding: the finding it rests on; None for changes, for what callers suffer and for marks of families.
        onset: when a family says that it began; None when it does not know, or when the finding tells.
    """

    family: Family
    weight: float
    evidence: tuple[str, ...]
    finding: Finding | None = None
    onset: datetime | None = None

    @property
    def strength(self) -> float:
        """Its weight within the trust in its family."""
        return TRUST[self.family] * self.weight


def saturation(z: float, threshold: float) -> float:
    """How convincing a deviation is, 0..1: nothing below the threshold, half at it, all of it far beyond."""
    return 1 - threshold / (2 * abs(z)) if abs(z) >= threshold else 0.0


def strength(clues: Iterable[Clue]) -> float:
    """The clues of one suspicion together, 0..1."""
    doubt = 1.0
    for best in _best_by_family(clues).values():
        doubt *= 1 - best
    return 1 - doubt


def contrast(first: float, rival: float) -> float:
    """How far the first stands above its strongest rival, 0..1."""
    return max(0.0, (first - rival) / first) if first > 0 else 0.0


def probability(score: float, rival: float, clues: Iterable[Clue]) -> float:
    """Probability that the first suspicion, with that score, is the cause, given its strongest rival's score."""
    diversity = min(1.0, len(_best_by_family(clues)) / FULL_DIVERSITY)
    return score * (BASE_SHARE + CONTRAST_SHARE * contrast(score, rival) + DIVERSITY_SHARE * diversity)


def share_rest(first_probability: float, scores: list[float]) -> list[float]:
    """Probabilities of the other suspicions: by score, from what the first left over, and never above the first."""
    total = max(1.0, sum(scores))
    return [min(first_probability, (1 - first_probability) * score / total) for score in scores]


def _best_by_family(clues: Iterable[Clue]) -> dict[Family, float]:
    """The strongest clue of each family that says anything; families of the same source are one."""
    best: dict[Family, float] = {}
    for clue in clues:
        source = SAME_SOURCE.get(clue.family, clue.family)
        if clue.strength > 0:
            best[source] = max(best.get(source, 0.0), clue.strength)
    return best
