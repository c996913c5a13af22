"""The ranked causes of an incident, each with its evidence; or why none is named.

Typed view and findings in, `Diagnosis` out: nothing outside this package knows how the ranking is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from analysis.causes.blame import Charge, charge
from analysis.causes.calm import calm_diagnosis
from analysis.causes.confidence import (
    FULL_DIVERSITY,
    Family,
    Features,
    agreement,
    contrast,
    probability,
    share_rest,
    sources,
)
from analysis.causes.facts import ServiceFacts, gather
from analysis.causes.families.registry import read_all
from analysis.causes.fusion import fuse
from analysis.causes.known import standing as standing_shapes
from analysis.causes.known import with_shapes
from analysis.causes.origins import with_origin
from analysis.causes.suspects import suspect
from analysis.causes.suspicion import Surroundings
from analysis.config import AnalysisConfig
from analysis.patterns.match import patterns
from analysis.rounding import probability as rounded
from analysis.topology import Topology
from analysis.view import SystemView
from core.models import Diagnosis, FaultKind, Finding, Hypothesis, RuledOut

MIN_SCORE = 0.3  # below this nothing stands out
CLEARED_SHARE = 0.5  # a suspicion of which a culprit further down explains more than this is ruled out
MAX_RULED_OUT = 10


def rank(view: SystemView, findings: tuple[Finding, ...], config: AnalysisConfig) -> Diagnosis:
    """Rank the causes that the findings suggest, most probable first.

    A cause that a symptom depends on outranks the symptom. Names never decide: ties fall to the earlier onset, to
    more evidence, to the service further from the symptom, and last to the order of the view.
    """
    topology = Topology(view.dependencies)
    facts = gather(view, findings, topology, config)
    fused = {one.service: one for one in fuse(read_all(view, topology, config))}
    around = Surroundings(facts, topology, config, fused)
    shapes = standing_shapes(patterns(view, findings, topology, config), view, facts, topology)
    alone = ((each, with_shapes(suspect(each, around), each, shapes, config)) for each in facts.values())
    suspicions = [one for each, found in alone for one in with_origin(found, each)]
    charges = _sorted(
        charge([one.settled() for one in suspicions], facts, topology, view.symptom), view, facts, topology
    )
    if not charges:
        return calm_diagnosis(view, findings, topology, config)
    standing = [one for one in charges if one.explained <= CLEARED_SHARE]
    cleared = [one for one in charges if one.explained > CLEARED_SHARE]
    ruled_out = _ruled_out(cleared, {one.suspicion.service for one in standing}, facts)
    if standing[0].score < MIN_SCORE:
        best = standing[0].suspicion
        return Diagnosis(
            confidence=0.0,
            ruled_out=ruled_out,
            abstained=f"nothing stands out: the strongest suspicion is weak ({best.statement})",
        )
    return _diagnosis(standing, ruled_out, view, topology, config)


def _sorted(
    charges: list[Charge], view: SystemView, facts: dict[str, ServiceFacts], topology: Topology
) -> list[Charge]:
    """Best first. Scores are compared to 6 decimals, as their last bits differ between CPUs."""
    position = {name: index for index, name in enumerate(facts)}

    def key(one: Charge) -> tuple[float, float, int, int, int]:
        service = one.suspicion.service
        distance = topology.distance(view.symptom, service)
        return (-round(one.score, 6), *one.suspicion.precedence, -distance, position[service])

    return sorted(charges, key=key)


def _diagnosis(
    standing: list[Charge],
    ruled_out: tuple[RuledOut, ...],
    view: SystemView,
    topology: Topology,
    config: AnalysisConfig,
) -> Diagnosis:
    """Turn scores into probabilities that add up to at most one."""
    first, rest = standing[0], standing[1 : config.max_hypotheses]
    rival = max((one.score for one in standing[1:] if not one.suspicion.agrees(first.suspicion)), default=0.0)
    certainty = probability(first.score, rival, first.suspicion.clues)
    others = share_rest(certainty, [one.score for one in rest])
    hypotheses = [
        Hypothesis(
            service=one.suspicion.service,
            kind=one.suspicion.kind,
            component=one.suspicion.component,
            statement=one.suspicion.statement,
            onset=one.suspicion.onset,
            probability=rounded(value),
            evidence_for=one.suspicion.evidence,
            evidence_against=one.explained_by.evidence if one.explained_by else (),
        )
        for one, value in zip([first, *rest], [certainty, *others], strict=True)
    ]
    return Diagnosis(
        hypotheses=tuple(hypotheses),
        ruled_out=ruled_out,
        confidence=hypotheses[0].probability,
        features=_features(first, standing[1:], view, topology).rounded(),
    )


def _features(first: Charge, rest: list[Charge], view: SystemView, topology: Topology) -> Features:
    """What is known of the first suspicion besides its rivals on the same service."""
    suspicion = first.suspicion
    others = [one for one in rest if one.suspicion.service != suspicion.service and not one.suspicion.agrees(suspicion)]
    count = sources(suspicion.clues)
    return Features(
        score=first.score,
        contrast=contrast(first.score, max((one.score for one in others), default=0.0)),
        families=float(count),
        diversity=min(1.0, count / FULL_DIVERSITY),
        agreement=agreement(suspicion.clues, [one.suspicion.clues for one in others]),
        evidence=float(len(suspicion.evidence)),
        explained=first.explained,
        hard=float(any(clue.family is Family.STATE and clue.strength > 0 for clue in suspicion.clues)),
        named=float(suspicion.kind is not FaultKind.UNKNOWN),
        rivals=log2(1 + len({one.suspicion.service for one in others})),
        watched=_watched(view, topology.callees(suspicion.service)),
    )


def _watched(view: SystemView, services: Sequence[str]) -> float:
    """Share of the services of which anything at all is known; 1 of none."""
    heard = {one.service for one in view.signals} | {one.service for one in view.logs}
    heard |= {one.service for one in view.traces} | {one.state.service for one in view.states}
    return sum(name in heard for name in services) / len(services) if services else 1.0


def _ruled_out(cleared: list[Charge], suspects: set[str], facts: dict[str, ServiceFacts]) -> tuple[RuledOut, ...]:
    """Services that only suffer, and services that were changed but show nothing."""
    ruled_out = {}
    for one in cleared:
        service, by = one.suspicion.service, one.explained_by
        if by is not None and service not in suspects:
            ruled_out[service] = RuledOut(
                service=service, reason=f"suffers from {by.service}: {by.statement}", evidence=by.evidence
            )
    for service, known in facts.items():
        if known.changes and not any(one.suspect for one in known.changes):
            change = known.changes[-1]
            reason = f"{change.effective.label}, but {change.reason}"
            ruled_out[service] = RuledOut(service=service, reason=reason, evidence=change.effective.evidence)
    return tuple(ruled_out.values())[:MAX_RULED_OUT]
