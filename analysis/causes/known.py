"""What the known shapes of trouble add to the suspicions against a service: a cause of their own, or a name.

A shape whose kind no rule looks for is a suspicion by itself and takes the place of a bare symptom; any other shape of
the same kind, or of none, is named in the statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.causes.confidence import Clue, Family, saturation
from analysis.causes.conserved import SYMPTOMS
from analysis.causes.facts import ServiceFacts, clue_of
from analysis.causes.suspicion import Suspicion
from analysis.config import AnalysisConfig
from analysis.patterns.library import LIBRARY
from analysis.patterns.match import PatternMatch
from analysis.topology import Topology
from analysis.view import SystemView
from core.models import FaultKind, Finding, Signal

SPEAKING = frozenset(
    {
        FaultKind.CRASH_LOOP,
        FaultKind.MEMORY_LEAK,
        FaultKind.DISK_FULL,
        FaultKind.POOL_EXHAUSTED,
        FaultKind.CACHE_FAILURE,
        FaultKind.CERTIFICATE,
        FaultKind.DNS,
        FaultKind.NOISY_NEIGHBOUR,
        FaultKind.BAD_DATA,
    }
)
"""Kinds that a shape alone may be suspected of; the others have a rule in `analysis.causes.rules`."""

TAKES_PLACE_OF = frozenset({FaultKind.UNKNOWN, FaultKind.DEPENDENCY_DOWN, FaultKind.DEPENDENCY_SLOW})
"""Kinds of a bare symptom, which a shape says more than."""

EXPLAINABLE = frozenset({FaultKind.POOL_EXHAUSTED})
"""A slow callee fills the pools of its callers; the other shapes do not travel upwards."""

_KINDS = Counter(pattern.kind for pattern in LIBRARY)
SEVERAL = frozenset(kind for kind, shapes in _KINDS.items() if kind is not None and shapes > 1)
"""Kinds that several shapes speak for, so that the name of the shape says more."""


def standing(
    matches: Sequence[PatternMatch], view: SystemView, facts: Mapping[str, ServiceFacts], topology: Topology
) -> tuple[PatternMatch, ...]:
    """The shapes, without names that are not found because what bears them is being replaced, or does not run.

    Where names follow what runs (the resolvers of Docker, Swarm and Kubernetes do), a callee that is deployed or
    restarted, or that is down, has no address for a while: name resolution works as it should.
    """
    since = view.window.start.timestamp() - view.window.seconds
    absent = {one.change.service for one in view.changes if since <= one.change.at.timestamp()}
    absent |= {name for name, each in facts.items() if each.halted}
    return tuple(
        match
        for match in matches
        if match.kind is not FaultKind.DNS or absent.isdisjoint(topology.downstream(match.service))
    )


def with_shapes(
    suspicions: Sequence[Suspicion], facts: ServiceFacts, matches: Sequence[PatternMatch], config: AnalysisConfig
) -> list[Suspicion]:
    """The suspicions against a service, with what its known shapes add; `matches` are of any service."""
    own = [match for match in matches if match.service == facts.service]
    kinds = {one.kind for one in suspicions}
    speaking = [one for one in own if one.kind in SPEAKING and one.kind not in kinds]
    if FaultKind.MEMORY_LIMIT in kinds:  # the kernel's word says why it ends, again and again
        speaking = [one for one in speaking if one.kind is not FaultKind.CRASH_LOOP]
    replaced = TAKES_PLACE_OF if speaking else frozenset()
    if any(one.kind is FaultKind.CRASH_LOOP for one in speaking):
        replaced |= {FaultKind.CRASH}
    kept = [_named(one, own) for one in suspicions if one.kind not in replaced]
    given_up = tuple(clue for one in suspicions if one.kind in replaced for clue in one.clues)
    return kept + [_suspicion(match, facts, given_up, config) for match in _first_of_kind(speaking)]


def _suspicion(
    match: PatternMatch, facts: ServiceFacts, given_up: tuple[Clue, ...], config: AnalysisConfig
) -> Suspicion:
    """A shape as a suspicion: its findings, that all it needs was seen, and what it takes the place of."""
    own = [finding for finding in match.findings if finding.service == facts.service]
    seen = [saturation(finding.magnitude, config.robust_z) for finding in own]
    shape = Clue(Family.SHAPE, max(seen, default=1.0), match.evidence, onset=match.onset)
    clues = (shape, *(clue_of(_family(one), one, config) for one in own))
    return Suspicion(
        service=facts.service,
        kind=match.kind or FaultKind.UNKNOWN,
        component=own[0].metric if own else match.pattern,
        statement=_told(match),
        clues=(*clues, *given_up, *facts.impact),
        explainable=match.kind in EXPLAINABLE,
    )


def _told(match: PatternMatch) -> str:
    """The shape, and when a limit is expected to be reached."""
    expected = next((one.forecast for one in match.findings if one.forecast is not None), None)
    if expected is None:
        return match.statement
    latest = f"{expected.latest:%H:%M:%S}" if expected.latest else "no end"
    interval = f"between {expected.earliest:%H:%M:%S} and {latest}"
    return f"{match.statement}: at its limit of {expected.limit:g} at {expected.at:%H:%M:%S} UTC ({interval})"


def _named(one: Suspicion, matches: Sequence[PatternMatch]) -> Suspicion:
    """The suspicion with the names of the shapes that fit it, where they say more than its kind does."""
    telling = [match for match in matches if match.kind is None or (match.kind is one.kind and one.kind in SEVERAL)]
    names = [match.pattern.replace("_", " ") for match in telling]
    return replace(one, statement=f"{one.statement} ({', '.join(names)})") if names else one


def _first_of_kind(matches: Sequence[PatternMatch]) -> list[PatternMatch]:
    """One match a kind, as two shapes of one kind are one cause."""
    first: dict[FaultKind | None, PatternMatch] = {}
    for match in matches:
        first.setdefault(match.kind, match)
    return list(first.values())


def _family(finding: Finding) -> Family:
    """Where a finding comes from."""
    if finding.signal is Signal.LOGS:
        return Family.LOGS
    return Family.SYMPTOM if finding.signal in SYMPTOMS else Family.RESOURCE
