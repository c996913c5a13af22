"""A change that explains what its service shows stands before the mechanism by which it hurts.

A full disk, a burning processor or an empty pool is how a fault looks; if what was changed just before has to do with
it, by its diff and not by its time alone, the change is where it came from: undoing it ends the fault, and freeing the
disk does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.causes.facts import ServiceFacts
from analysis.causes.suspicion import Suspicion
from analysis.changes.assess import best
from core.models import FaultKind

CHANGED = frozenset({FaultKind.BAD_RELEASE, FaultKind.BAD_CONFIG, FaultKind.INCOMPLETE_RELEASE})
MECHANISMS = frozenset(
    {
        FaultKind.CPU_SATURATION,
        FaultKind.MEMORY_LEAK,
        FaultKind.DISK_FULL,
        FaultKind.POOL_EXHAUSTED,
        FaultKind.CACHE_FAILURE,
        FaultKind.DEPENDENCY_SLOW,
        FaultKind.UNKNOWN,
    }
)
"""Kinds that a change of the service itself brings about; crashes and hangs are healed first, whatever caused them."""


def with_origin(suspicions: Sequence[Suspicion], facts: ServiceFacts) -> list[Suspicion]:
    """The suspicions against one service, mechanisms joined to the change that explains them."""
    culprit = best(facts.changes)
    mechanisms = [one for one in suspicions if one.kind in MECHANISMS]
    if culprit is None or not culprit.documented or not any(one.kind in CHANGED for one in suspicions):
        return list(suspicions)
    clues = tuple(clue for one in mechanisms for clue in one.clues)
    told = "".join(f"; it {one.statement.removeprefix(facts.service).strip()}" for one in mechanisms)
    return [
        replace(one, clues=one.clues + clues, statement=one.statement + told) if one.kind in CHANGED else one
        for one in suspicions
        if one.kind not in MECHANISMS
    ]
