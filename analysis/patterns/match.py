"""Which known shapes a system shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analysis.config import AnalysisConfig
from analysis.patterns.library import LIBRARY, Pattern
from analysis.patterns.needs import together
from analysis.patterns.scene import Scene, scenes
from analysis.topology import Topology
from analysis.view import SystemView
from core.models import FaultKind, Finding


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """A known shape that a service shows.

    Attributes:
        pattern: name in `analysis.patterns.library`.
        kind: the fault that it speaks for; None when several could look like it.
        statement: one line for people.
        onset: of the first finding that it rests on; None when it rests on none.
        findings: what it rests on, of this service and of its neighbours.
        evidence: ids; never empty.
    """

    service: str
    pattern: str
    kind: FaultKind | None
    statement: str
    onset: datetime | None
    findings: tuple[Finding, ...]
    evidence: tuple[str, ...]


def patterns(
    view: SystemView, findings: tuple[Finding, ...], topology: Topology, config: AnalysisConfig
) -> tuple[PatternMatch, ...]:
    """Every known shape that a service shows: services in the order of the view, shapes in that of the library."""
    found = [_match(pattern, scene) for scene in scenes(view, findings, topology, config) for pattern in LIBRARY]
    return tuple(match for match in found if match is not None)


def named(findings: tuple[Finding, ...], matches: Sequence[PatternMatch]) -> tuple[Finding, ...]:
    """The findings with the name of the first pattern of their own service that rests on them."""
    names: dict[int, str] = {}
    for match in matches:
        for finding in match.findings:
            if finding.service == match.service:
                names.setdefault(id(finding), match.pattern)
    return tuple(one.model_copy(update={"pattern": names[id(one)]}) if id(one) in names else one for one in findings)


def _match(pattern: Pattern, scene: Scene) -> PatternMatch | None:
    """The pattern at the service of a scene; None when one of its needs is not met."""
    proof = together(scene, pattern.needs)
    if proof is None or not proof.evidence:
        return None
    return PatternMatch(
        service=scene.service,
        pattern=pattern.name,
        kind=pattern.kind,
        statement=f"{scene.service} {pattern.title}",
        onset=min((finding.onset for finding in proof.findings), default=None),
        findings=proof.findings,
        evidence=proof.evidence,
    )
