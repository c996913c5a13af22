"""What every family of evidence answers, so that they can be fused without knowing how each one reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from analysis.causes.confidence import Family
from analysis.config import AnalysisConfig
from analysis.topology import Topology
from analysis.view import SystemView
from core.models import FaultKind


@dataclass(frozen=True, slots=True)
class Mark:
    """One service that stands out in one family.

    Attributes:
        service: name in the inventory.
        score: 0 or more; comparable between services within the family only.
        kind: the fault that this speaks for; None when the family cannot tell.
        component: operation, metric, template, callee or change that shows it.
        statement: one line for people.
        onset: when it began; None when the family does not know.
        evidence: ids; never empty.
        strength: 0..1, how convincing the mark is by itself, whatever the other services show.
        own: whether no callee can be the reason, as what callees account for is taken off.
    """

    service: str
    score: float
    kind: FaultKind | None
    component: str
    statement: str
    onset: datetime | None
    evidence: tuple[str, ...]
    strength: float = 1.0
    own: bool = False


@dataclass(frozen=True, slots=True)
class FamilyReading:
    """What one family says of a system; no marks means that it is silent."""

    family: Family
    marks: tuple[Mark, ...]


Reader = Callable[[SystemView, Topology, AnalysisConfig], FamilyReading]
"""A family: a pure function of the view. A reader without data, or that sees nothing unusual, is silent."""
