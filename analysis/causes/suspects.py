"""Whom to suspect of what: by rule, by known pattern, by the marks of families, and last by the bare symptom."""

from __future__ import annotations

from dataclasses import replace

from analysis.causes.confidence import Family
from analysis.causes.facts import ServiceFacts, clue_of
from analysis.causes.fusion import Fused
from analysis.causes.rules import RULES
from analysis.causes.suspicion import Surroundings, Suspicion
from core.models import FaultKind, Signal

TELLING = frozenset({Family.EXCESS, Family.OPERATIONS, Family.PATTERNS, Family.CALLS, Family.EDGES})
"""Families that say more than that a service suffers: how much is its own, or which operation, line or call it is."""

KNOWN_KIND_SHARE = 0.5
"""A mark that knows the kind of the fault names it unless another is more than twice as strong."""


def suspect(facts: ServiceFacts, around: Surroundings) -> list[Suspicion]:
    """Every suspicion against one service: by rule, else by the marks of families, else by its bare symptom.

    What the families say adds to whatever a rule suspects.
    """
    fused = around.fused.get(facts.service)
    marked = fused.clues if fused else ()
    specific = [found for rule in RULES if (found := rule(facts, around)) is not None]
    if specific:
        return [replace(one, clues=one.clues + marked) for one in specific]
    bare = _symptom_only(facts, around)
    if fused and _founded(fused) and (bare is None or _tells_more(fused, bare)):
        return [_by_marks(fused, bare)]
    return [replace(bare, clues=bare.clues + marked)] if bare else []


def _founded(fused: Fused) -> bool:
    """Whether the marks alone are a reason to suspect: more of a resource is none unless it is a fault by itself."""
    pairs = zip(fused.clues, fused.marks, strict=True)
    return any(clue.family is not Family.RESOURCE or mark.kind is not None for clue, mark in pairs)


def _tells_more(fused: Fused, bare: Suspicion) -> bool:
    """Whether the marks say more than the bare symptom: the kind of the fault, or what within the service shows it."""
    if any(mark.kind is not None for mark in fused.marks):
        return True
    return bare.kind is FaultKind.UNKNOWN and any(clue.family in TELLING for clue in fused.clues)


def _by_marks(fused: Fused, bare: Suspicion | None) -> Suspicion:
    """What the families say, named by the strongest mark, or by one that knows its kind and is half as strong."""
    pairs = list(zip(fused.clues, fused.marks, strict=True))
    enough = KNOWN_KIND_SHARE * pairs[0][0].strength
    known = [mark for clue, mark in pairs if mark.kind is not None and clue.strength >= enough]
    telling = known[0] if known else fused.marks[0]
    return Suspicion(
        service=fused.service,
        kind=telling.kind or FaultKind.UNKNOWN,
        component=telling.component,
        statement=telling.statement,
        clues=fused.clues + (bare.clues if bare else ()),
        explainable=not telling.own,
    )


def _symptom_only(facts: ServiceFacts, around: Surroundings) -> Suspicion | None:
    """The service suffers and nothing says why: perhaps from a dependency that nobody observes.

    That its callers suffer too says nothing more: everything on the way to the cause looks like that.
    """
    health = facts.of(Signal.STATE)
    own = facts.symptom + ((clue_of(Family.SYMPTOM, health, around.config),) if health else ())
    if not own and not facts.logs:
        return None
    blind = [name for name in around.topology.callees(facts.service) if not around.facts[name].observed]
    failing = facts.of(Signal.ERRORS) is not None
    kind = FaultKind.UNKNOWN
    if blind and own:
        kind = FaultKind.DEPENDENCY_DOWN if failing else FaultKind.DEPENDENCY_SLOW
    component = blind[0] if len(blind) == 1 else ""
    culprit = f" because of {component or 'a dependency'}, which is not observed" if blind else ", and nothing says why"
    return Suspicion(
        service=facts.service,
        kind=kind,
        component=component,
        statement=f"{facts.service} {'fails' if failing else 'suffers'}{culprit}",
        clues=own + facts.logs,
        explainable=True,
    )
