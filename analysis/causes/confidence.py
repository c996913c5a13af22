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
from dataclasses import asdict, dataclass
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
    Family.EXCESS: 0.6,  # what is left of the symptom once the callees' share is taken off
    Family.OPERATIONS: 0.8,  # these four look inside a service, and against many earlier windows
    Family.PATTERNS: 0.8,
    Family.CALLS: 0.8,
    Family.EDGES: 0.8,
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
    diversity = min(1.0, sources(clues) / FULL_DIVERSITY)
    return score * (BASE_SHARE + CONTRAST_SHARE * contrast(score, rival) + DIVERSITY_SHARE * diversity)


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a first suspicion, whatever the kind of fault: what a calibration may be fitted on.

    Attributes:
        score: 0..1, after explanation and position in the graph.
        contrast: 0..1, how far it stands above the strongest suspicion against another service.
        families: sources of evidence that speak for it.
        diversity: those as a share of `FULL_DIVERSITY`, at most 1.
        agreement: 0..1, share of its sources in which no other service stands out more.
        evidence: pieces of evidence that it cites.
        explained: 0..1, share of it that a culprit further down accounts for.
        hard: 1 when the operating system or the actuator says so, else 0.
        named: 1 when its kind of fault is known, else 0.
        rivals: other services under suspicion, on a logarithm: ``log2(1 + services)``.
        watched: 0..1, share of what the service calls that has any telemetry: behind a blind spot the culprit may hide.
    """

    score: float
    contrast: float
    families: float
    diversity: float
    agreement: float
    evidence: float
    explained: float
    hard: float
    named: float
    rivals: float
    watched: float

    def rounded(self) -> dict[str, float]:
        """By name, to 4 decimals, so that every CPU records the same."""
        return {name: round(value, 4) + 0.0 for name, value in asdict(self).items()}


def agreement(clues: Iterable[Clue], others: Iterable[Iterable[Clue]]) -> float:
    """Share of the sources among the clues in which none of the others has a stronger one; 0 without any."""
    mine = _best_by_family(clues)
    theirs = [_best_by_family(each) for each in others]
    leads = [
        all(round(other.get(source, 0.0), 6) <= round(best, 6) for other in theirs) for source, best in mine.items()
    ]
    return sum(leads) / len(leads) if leads else 0.0


def sources(clues: Iterable[Clue]) -> int:
    """How many independent sources speak."""
    return len(_best_by_family(clues))


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
