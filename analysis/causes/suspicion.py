"""A suspicion: one thing that one service could be guilty of, and what a rule may look at to raise one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf

from analysis.causes.confidence import Clue, Family
from analysis.causes.conserved import SYMPTOMS
from analysis.causes.facts import ServiceFacts
from analysis.causes.fusion import Fused
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from core.models import FaultKind


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing that one service could be guilty of.

    Attributes:
        component: metric, release or dependency that carries the fault.
        statement: one line for people.
        clues: what speaks for it.
        explainable: whether a broken callee would look the same.
    """

    service: str
    kind: FaultKind
    component: str
    statement: str
    clues: tuple[Clue, ...]
    explainable: bool

    def settled(self) -> Suspicion:
        """The same, with errors and latency worth no more than what of them is the service's own, where that is known.

        A symptom says that somebody suffers; the amount that its callees do not account for says who is the reason.
        """
        own = [clue.weight for clue in self.clues if clue.family is Family.EXCESS]
        if not own:
            return self
        return replace(self, clues=tuple(_capped(clue, max(own)) for clue in self.clues))

    def agrees(self, other: Suspicion) -> bool:
        """Whether both blame the same way between two services, be it each for another end: they are no rivals."""
        return {self.kind, other.kind} == {FaultKind.NETWORK_DELAY} and self.component == other.component

    @property
    def evidence(self) -> tuple[str, ...]:
        """Ids of what speaks for it, strongest clue first, each once."""
        clues = sorted(self.clues, key=lambda clue: -round(clue.strength, 6))
        return tuple(dict.fromkeys(name for clue in clues if clue.strength > 0 for name in clue.evidence))

    @property
    def onset(self) -> datetime | None:
        """When it began: the best known onset among its clues, the earliest of equally well known ones."""
        found = [clue.finding for clue in self.clues if clue.finding is not None]
        if not found:
            return min((clue.onset for clue in self.clues if clue.onset is not None), default=None)
        return min(found, key=lambda finding: (finding.onset_uncertainty_seconds, finding.onset)).onset

    @property
    def precedence(self) -> tuple[float, int]:
        """Sorts equally strong suspicions without a look at names: earlier onset, then more evidence, comes first."""
        return (self.onset.timestamp() if self.onset else inf, -len(self.evidence))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may look at besides the service itself."""

    facts: dict[str, ServiceFacts]
    topology: Topology
    config: AnalysisConfig
    fused: dict[str, Fused] = field(default_factory=dict)


def _capped(clue: Clue, weight: float) -> Clue:
    """A clue from errors or latency with at most that weight; any other as it is."""
    if clue.finding is None or clue.finding.signal not in SYMPTOMS:
        return clue
    return replace(clue, weight=min(clue.weight, weight))
