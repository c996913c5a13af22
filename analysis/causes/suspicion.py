"""A suspicion: one thing that one service could be guilty of, and what a rule may look at to raise one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from analysis.causes.confidence import Clue
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
