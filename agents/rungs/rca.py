"""What a model may answer of the cause, and what is left of it once it was held against the evidence."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agents.grounding import Grounded, bears_on, existing, ground
from agents.models import RcaInput
from agents.rungs.confidence import contradiction_of
from agents.rungs.rca_prompt import KINDS, suspects
from agents.rungs.showing import crossed
from agents.spec import Claim
from analysis.calibration.judging import track_record
from analysis.rounding import probability
from core.models import (
    Diagnosis,
    Evidence,
    EvidenceKind,
    FaultKind,
    Hypothesis,
    Model,
    Rung,
)

MAX_CAUSES = 5
UNLISTED = 0.05
"""What the rules give to a cause that they do not list."""

EVEN = 0.5


class Cause(Model):
    """One cause that the model names."""

    service: str
    kind: str
    statement: str
    evidence_for: list[str]
    evidence_against: list[str]


class RcaResponse(Model):
    """What the model answers."""

    causes: list[Cause]
    confidence: float = Field(ge=0, le=1)
    narrative: str


def worth_asking(given: RcaInput, rules: Diagnosis | None) -> bool:
    """The statistics are the filter: where nothing left its baseline there is nothing to explain."""
    return bool(given.findings)


def choices(given: RcaInput, rules: Diagnosis | None) -> dict[str, tuple[str, ...]]:
    """Closed lists of the answer."""
    return {"service": suspects(given, rules), "kind": KINDS}


def read(
    said: RcaResponse, given: RcaInput, rules: Diagnosis | None, evidence: Mapping[str, Evidence]
) -> Claim[Diagnosis]:
    """The causes, each held against the evidence; those that nothing unusual bears out are dropped."""
    kept = [
        (cause, cites) for cause in said.causes[:MAX_CAUSES] if (cites := _borne_out(cause, given, rules, evidence))
    ]
    shown = [text for finding in given.findings if (text := crossed(finding, given.config.robust_z))]
    cites = kept[0][1] if kept else ()
    story = ground(said.narrative, evidence, cites=cites, also=shown)
    if not kept:
        return _none(said, story)
    first, first_cites = kept[0]
    kind = FaultKind(first.kind)
    offered = len(dict.fromkeys(first.evidence_for))
    listed = _listed(rules, first.service, kind)
    others = [name for name in suspects(given, rules) if name != first.service]
    hypothesis = listed or _hypothesis(first, first_cites, given, evidence)

    def settle(confidence: float, rung: Rung) -> Diagnosis:
        return _diagnosis(hypothesis, [cause for cause, _ in kept[1:]], rules, confidence, rung, first_cites)

    return Claim(
        settle=settle,
        own=said.confidence,
        support=_support(rules, first.service),
        cites=first_cites,
        dropped=max(0, offered - len(first_cites)) + len(story.dropped),
        story=story,
        contradiction=contradiction_of(said.narrative, said.confidence, first.service, others),
        unsure="" if listed else f"only a model names {kind} of {first.service} as the cause",
        recall=max(
            (
                track_record(one.similarity, one.successes, one.failures)
                for one in given.recollections
                if one.kind is kind
            ),
            default=0.0,
        ),
        said=f"{first.service}: {kind}: {first.statement}",
    )


def same(one: Diagnosis, other: Diagnosis) -> bool | None:
    """Whether both name the same cause; an abstention, or an unknown kind of the same service, says nothing."""
    first, second = one.first, other.first
    if first is None or second is None:
        return None
    if first.service != second.service:
        return False
    if FaultKind.UNKNOWN in (first.kind, second.kind):
        return None
    return first.kind is second.kind


def _borne_out(
    cause: Cause, given: RcaInput, rules: Diagnosis | None, evidence: Mapping[str, Evidence]
) -> tuple[str, ...]:
    """The cited evidence that bears on the service: findings of it, what the rules rest on, and changes of it.

    Empty unless at least one of them was found unusual: a change alone is no cause.
    """
    unusual = {one for finding in given.findings if finding.service == cause.service for one in finding.evidence}
    for hypothesis in rules.hypotheses if rules else ():
        if hypothesis.service == cause.service:
            unusual.update(hypothesis.evidence_for)
    cites, _ = existing(cause.evidence_for, evidence)
    borne = tuple(one for one in cites if one in unusual or _is_change_of(evidence[one], cause.service))
    return borne if any(one in unusual for one in borne) else ()


def _is_change_of(evidence: Evidence, service: str) -> bool:
    return evidence.kind is EvidenceKind.CHANGE and bool(evidence.digest.facts) and bears_on(evidence, service)


def _none(said: RcaResponse, story: Grounded) -> Claim[Diagnosis]:
    """Nothing is left, or the model itself sees no cause."""

    def settle(confidence: float, rung: Rung) -> Diagnosis:
        return Diagnosis(confidence=0.0, rung=rung, abstained="the model sees no cause that the evidence bears out")

    groundless = "no cause that it names rests on anything unusual" if said.causes else ""
    return Claim(settle, said.confidence, None, (), 0, story, groundless, at_most=0.0)


def _listed(rules: Diagnosis | None, service: str, kind: FaultKind) -> Hypothesis | None:
    hypotheses = rules.hypotheses if rules else ()
    return next((one for one in hypotheses if (one.service, one.kind) == (service, kind)), None)


def _support(rules: Diagnosis | None, service: str) -> float | None:
    """Probability that the rules give to the service, whatever the kind: that is what a confidence is of.

    None where they have no opinion: they abstain, or suspect this one first, of they know not what, without much trust.
    """
    if rules is None or rules.first is None:
        return None
    total = min(1.0, sum(one.probability for one in rules.hypotheses if one.service == service))
    if total < EVEN and rules.first.service == service and rules.first.kind is FaultKind.UNKNOWN:
        return None
    return max(UNLISTED, total)


def _hypothesis(cause: Cause, cites: tuple[str, ...], given: RcaInput, evidence: Mapping[str, Evidence]) -> Hypothesis:
    """A cause that the rules do not list, in the model's words where the evidence bears them out."""
    onsets = [finding.onset for finding in given.findings if finding.service == cause.service]
    against, _ = existing(cause.evidence_against, evidence)
    return Hypothesis(
        service=cause.service,
        kind=FaultKind(cause.kind),
        statement=ground(cause.statement, evidence, cites=cites).text[:300],
        onset=min(onsets, default=None),
        probability=0.0,
        evidence_for=cites,
        evidence_against=tuple(one for one in against if one not in cites),
    )


def _diagnosis(
    first: Hypothesis,
    others: list[Cause],
    rules: Diagnosis | None,
    confidence: float,
    rung: Rung,
    cites: tuple[str, ...],
) -> Diagnosis:
    """The model's first cause before the rules' list, in the model's order as far as it gave one."""
    listed = {(one.service, one.kind): one for one in (rules.hypotheses if rules else ())}
    agreed = rules is not None and rules.first is not None and same_cause(rules.first, first)
    listed.pop((first.service, first.kind), None)
    named = [key for cause in others if (key := (cause.service, FaultKind(cause.kind))) in listed]
    rest = [listed[key] for key in dict.fromkeys([*named, *listed])]
    total = sum(one.probability for one in rest)
    share = min(1.0, (1 - confidence) / total) if total > 0 else 0.0
    leading = first.model_copy(
        update={"probability": confidence, "evidence_for": tuple(dict.fromkeys((*first.evidence_for, *cites)))}
    )
    following = [one.model_copy(update={"probability": probability(one.probability * share)}) for one in rest]
    ruled_out = tuple(one for one in (rules.ruled_out if rules else ()) if one.service != first.service)
    return Diagnosis(
        hypotheses=(leading, *following),
        ruled_out=ruled_out,
        confidence=confidence,
        rung=rung,
        features=rules.features if rules is not None and agreed else {},
    )


def same_cause(one: Hypothesis, other: Hypothesis) -> bool:
    """Whether both name the same fault of the same service."""
    return (one.service, one.kind) == (other.service, other.kind)
