"""What a pattern can need: plain predicates over a scene, each of which hands back what proves it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from analysis.patterns.scene import Scene
from core.models import Finding, RunState, ServiceState, Shape, Signal

RISES = frozenset({Shape.LEVEL_SHIFT, Shape.TREND})
"""Shapes of a level that went up and stays up."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that a need is met.

    Attributes:
        evidence: ids; empty for the proof that something is absent.
        findings: of any service.
    """

    evidence: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that must be so.

    Attributes:
        text: for people, the need in words.
        met: the proof; None when it is not met.
    """

    text: str
    met: Callable[[Scene], Proof | None] = field(repr=False)


def shows(
    text: str,
    *signals: Signal,
    shapes: Collection[Shape] = RISES,
    least_factor: float = 0.0,
    where: Callable[[Finding], bool] = lambda finding: True,
) -> Need:
    """The service has a finding of one of the signals in one of the shapes.

    Args:
        least_factor: it is at least that many times its baseline.
        where: what else must hold for it.
    """

    def met(scene: Scene) -> Proof | None:
        found = [
            one
            for one in scene.own
            if one.signal in signals
            and one.shape in shapes
            and (one.current or 0.0) >= least_factor * (one.baseline or 0.0)
            and where(one)
        ]
        return _proven(found)

    return Need(text, met)


def logs(text: str, words: str) -> Need:
    """The service logs a template that the regular expression finds something in, whatever its case."""
    pattern = re.compile(words, re.IGNORECASE)
    return shows(
        text, Signal.LOGS, shapes=(Shape.NEW_LOG, Shape.LOG_RATE), where=lambda one: bool(pattern.search(one.metric))
    )


def lacks(text: str, need: Need) -> Need:
    """Another need is not met."""
    return Need(text, lambda scene: Proof() if need.met(scene) is None else None)


def either(text: str, *needs: Need) -> Need:
    """The first of the needs that is met."""

    def met(scene: Scene) -> Proof | None:
        return next((proof for need in needs if (proof := need.met(scene)) is not None), None)

    return Need(text, met)


def precedes(text: str, first: Need, then: Need) -> Need:
    """Both are met, and the first began before the other did, by more than their onsets are uncertain."""

    def met(scene: Scene) -> Proof | None:
        proofs = first.met(scene), then.met(scene)
        if proofs[0] is None or proofs[1] is None:
            return None
        began = min(one.onset + _uncertainty(one) for one in proofs[0].findings)
        followed = min(one.onset - _uncertainty(one) for one in proofs[1].findings)
        return proofs[0] if began < followed else None

    return Need(text, met)


def some_caller(text: str, *needs: Need) -> Need:
    """One direct caller meets all of the needs."""
    return Need(text, lambda scene: _first(scene, scene.topology.callers(scene.service), needs))


def some_callee(text: str, *needs: Need) -> Need:
    """One service that is called directly meets all of the needs."""
    return Need(text, lambda scene: _first(scene, scene.topology.callees(scene.service), needs))


def changed(text: str, *kinds: str) -> Need:
    """The service was changed in one of the ways, not after its first finding (two samples are not told apart)."""

    def met(scene: Scene) -> Proof | None:
        onset = scene.onset or scene.end
        latest = onset + timedelta(seconds=2 * scene.config.step_seconds)
        found = [one for one in scene.changes.get(scene.service, ()) if one.change.kind in kinds]
        cited = tuple(dict.fromkeys(one.evidence for one in found if one.change.at <= latest))
        return Proof(cited) if cited else None

    return Need(text, met)


def ended(text: str, times: int) -> Need:
    """The process of the service ended by itself at least so many times within the lookback."""

    def met(scene: Scene) -> Proof | None:
        ends = [one for one in scene.changes.get(scene.service, ()) if one.change.kind == "exit"]
        return Proof(tuple(dict.fromkeys(one.evidence for one in ends))) if len(ends) >= times else None

    return Need(text, met)


def state(text: str, where: Callable[[ServiceState], bool]) -> Need:
    """The actuator's word on the service holds."""

    def met(scene: Scene) -> Proof | None:
        known = scene.states.get(scene.service)
        return Proof((known.evidence,)) if known is not None and where(known.state) else None

    return Need(text, met)


def alive(text: str) -> Need:
    """Nothing says that the service is down."""

    def met(scene: Scene) -> Proof | None:
        known = scene.states.get(scene.service)
        gone = known is not None and known.state.state not in (RunState.RUNNING, RunState.STARTING, RunState.UNKNOWN)
        return None if gone or any(one.shape is Shape.ABSENT_UP for one in scene.own) else Proof()

    return Need(text, met)


def _first(scene: Scene, services: Collection[str], needs: Collection[Need]) -> Proof | None:
    """The proof for the first of the services that meets all needs."""
    for service in services:
        if (proof := together(scene.at(service), needs)) is not None:
            return proof
    return None


def together(scene: Scene, needs: Collection[Need]) -> Proof | None:
    """The proofs of all needs as one; None when one is not met."""
    proofs = [need.met(scene) for need in needs]
    met = [proof for proof in proofs if proof is not None]
    if len(met) < len(needs):
        return None
    evidence = tuple(dict.fromkeys(cited for proof in met for cited in proof.evidence))
    return Proof(evidence, tuple(finding for proof in met for finding in proof.findings))


def _uncertainty(finding: Finding) -> timedelta:
    """Of its onset."""
    return timedelta(seconds=finding.onset_uncertainty_seconds)


def _proven(findings: list[Finding]) -> Proof | None:
    """Findings as a proof; None when there are none."""
    if not findings:
        return None
    return Proof(tuple(dict.fromkeys(cited for one in findings for cited in one.evidence)), tuple(findings))
