"""Who is left to blame once what a broken callee explains is taken off its callers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.causes.confidence import strength
from analysis.causes.conserved import SYMPTOMS
from analysis.causes.facts import ServiceFacts, added
from analysis.causes.suspicion import Suspicion
from analysis.topology import Topology
from core.models import FaultKind

EXPLAINING_POWER = 0.9  # a sure culprit leaves a tenth of its callers' suspicion: several faults may coincide
OFF_PATH = 0.5  # what the symptom does not need, as far as the graph knows, is half as suspect


@dataclass(frozen=True, slots=True)
class Charge:
    """A suspicion with what is left of it.

    Attributes:
        score: 0..1, after explanation and position in the graph.
        raw: 0..1, strength of its own clues.
        explained: 0..1, the share of it that a culprit further down accounts for.
        explained_by: that culprit; None when nothing is explained.
    """

    suspicion: Suspicion
    score: float
    explained: float = 0.0
    explained_by: Suspicion | None = None


def charge(
    suspicions: Sequence[Suspicion], facts: dict[str, ServiceFacts], topology: Topology, symptom: str
) -> list[Charge]:
    """Score every suspicion, callees before callers, so that blame rests as far down the call path as it can.

    Members of a cycle call each other, so none is further down: only what cannot be explained away counts between
    them.
    """
    by_service: dict[str, list[Suspicion]] = {}
    for suspicion in suspicions:
        by_service.setdefault(suspicion.service, []).append(suspicion)
    charges: dict[str, list[Charge]] = {}
    for service in topology.callees_first(list(by_service)):
        culprits: list[Charge] = []
        for name in by_service:
            if topology.in_cycle(service, name):
                certain = [one for one in by_service[name] if name != service and not one.explainable]
                culprits += [Charge(one, strength(one.clues)) for one in certain]
            elif name in topology.downstream(service):
                culprits += charges[name]
        reach = 1.0 if not symptom or topology.explains(symptom, service) else OFF_PATH
        charges[service] = [_charge(one, culprits, facts, reach) for one in by_service[service]]
    return [one for group in charges.values() for one in group]


def share(caller: ServiceFacts, culprit: ServiceFacts, suspicion: Suspicion) -> float:
    """How much of the caller's symptoms the culprit accounts for, 0..1.

    A conserved quantity: the caller's failed requests (or added seconds) minus those of its callee are its own. A
    culprit that is down, hung or burning CPU may not be able to report its failures, and accounts for all.
    """
    if not suspicion.explainable or suspicion.kind is FaultKind.HANG:
        return 1.0
    owed = {signal: added(caller, signal) for signal in SYMPTOMS}
    shares = [min(1.0, added(culprit, signal) / owed[signal]) for signal in SYMPTOMS if owed[signal] > 0]
    return max(shares, default=1.0)


def _charge(suspicion: Suspicion, culprits: list[Charge], facts: dict[str, ServiceFacts], reach: float) -> Charge:
    """Score one suspicion against what was found further down.

    Where something further down is suspected at all, what the callees account for by count is explained for certain.
    """
    own = strength(suspicion.clues) * reach
    if not suspicion.explainable:
        return Charge(suspicion, own)
    shares = [share(facts[suspicion.service], facts[one.suspicion.service], one.suspicion) for one in culprits]
    taken = [(one.score * part, one.suspicion) for one, part in zip(culprits, shares, strict=True)]
    explained, by = min(taken, key=lambda pair: (-round(pair[0], 6), *pair[1].precedence), default=(0.0, None))
    if explained > 0:
        explained = max(explained, facts[suspicion.service].accounted)
    return Charge(suspicion, own * (1 - EXPLAINING_POWER * explained), explained, by if explained > 0 else None)
