"""How a model is asked what to do: it chooses, by number, among proposals that are complete already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from pydantic import Field

from agents.grounding import existing, ground
from agents.models import HealingInput, Plan
from agents.rungs.confidence import contradiction_of
from agents.rungs.showing import NONE, Showing, ids
from agents.spec import Claim, Prompted
from analysis.calibration.judging import track_record
from core.errors import InvalidInput
from core.llm import ModelTask
from core.models import Evidence, FaultKind, Hypothesis, Model, Proposal, Rung
from core.models.faults import REMEDY_OF

SURE_CAUSE = 0.7
"""Below it a human judges the cause first: no model is asked what to do about it."""

UNLISTED = 0.05
"""What the rules give to an action that they know no reason for."""

ANOTHER = 0.5
"""Share of the rules' confidence that counts for an action which they put second."""

Choosable = Callable[[HealingInput], tuple[Proposal, ...]]
"""All proposals that may be made, complete with parameters and checks."""


class HealingResponse(Model):
    """What the model answers."""

    options: list[int]
    confidence: float = Field(ge=0, le=1)
    reason: str
    evidence: list[str]


def prompted(choosable: Choosable) -> Prompted[HealingInput, Plan]:
    """How the healing agent is asked, given what may be proposed."""
    return Prompted(
        task=ModelTask.PLANNING,
        prompt="healing",
        response=HealingResponse,
        worth_asking=lambda given, rules: (
            given.diagnosis.confidence >= SURE_CAUSE
            and not (rules is not None and rules.settled)
            and bool(choosable(given))
        ),
        services=services,
        variables=partial(variables, choosable),
        choices=lambda given, rules: {},
        evidence=lambda given: given.evidence,
        read=partial(read, choosable),
        max_output_tokens=400,
    )


def services(given: HealingInput) -> frozenset[str]:
    """The one to be healed, the symptom, and those whose state is told."""
    first = given.diagnosis.first
    return frozenset({given.symptom, *((first.service,) if first else ()), *(one.service for one in given.states)})


def variables(choosable: Choosable, given: HealingInput, rules: Plan | None, showing: Showing) -> dict[str, str]:
    """Of the prompt."""
    first = given.diagnosis.first
    cited = [one for one in given.evidence if first and one.id in first.evidence_for]
    states = (
        f"{showing.line(one.service, 60)} is {one.state}, {one.replicas} replicas,"
        f" release {showing.line(one.release, 60) or '-'}, before {showing.line(one.previous_release, 60) or '-'}"
        for one in sorted(given.states, key=lambda each: first is not None and each.service != first.service)
    )
    options = [f"{number}. {_told(one, showing)}" for number, one in enumerate(choosable(given), 1)]
    past = [
        f"{one.action or 'no action'} against {one.kind}: helped {one.successes} times, failed {one.failures} times"
        for one in given.recollections
    ]
    return {
        "cause": _cause(first, showing) if first else NONE,
        "evidence": showing.digests(cited, 1_200),
        "symptom": showing.line(given.symptom, 80) or "(not known)",
        "states": showing.block(states, 600, "services", len(given.states)),
        "options": showing.block(options, 900, "options"),
        "tried": f"{len(given.tried)} actions" if given.tried else "nothing",
        "recollections": showing.block(past, 300, "resolutions"),
    }


def read(
    choosable: Choosable,
    said: HealingResponse,
    given: HealingInput,
    rules: Plan | None,
    evidence: Mapping[str, Evidence],
) -> Claim[Plan]:
    """The chosen options. The confidence is that they help if the cause is right; the diagnosis bounds the proposals'.

    Raises:
        InvalidInput: a number is not on the list, or stands there twice.
    """
    offered = choosable(given)
    if len(set(said.options)) != len(said.options) or not set(said.options) <= set(range(1, len(offered) + 1)):
        raise InvalidInput(f"options are numbers from 1 to {len(offered)}, each once", path="answer.options")
    first = given.diagnosis.first
    chosen = [offered[number - 1] for number in said.options]
    known = {one.hash for one in rules.proposals} if rules else set()
    bearing = first.evidence_for if first else ()
    story = ground(said.reason, evidence, cites=said.evidence)
    cites, missing = existing((*said.evidence, *story.cites), evidence)
    borne = tuple(one for one in cites if one in bearing)

    def settle(confidence: float, rung: Rung) -> Plan:
        bounded = min(confidence, given.diagnosis.confidence)
        proposals = tuple(
            one.model_copy(update={"confidence": bounded, "unsure": "" if one.hash in known else _unsure(one)})
            for one in chosen
        )
        remedy = REMEDY_OF.get(first.kind) if first else None
        agreed = not proposals and rules is not None and not rules.proposals
        reason = story.text[:500] or "no reason was given"
        return Plan(proposals=proposals, reason=reason, settled=agreed, remedy=remedy)

    return Claim(
        settle=settle,
        own=said.confidence,
        support=_support(rules, chosen, given),
        cites=borne,
        dropped=len(missing) + len(cites) - len(borne),
        story=story,
        groundless="nothing that it cites bears on the cause" if (cites or missing) and not borne else "",
        contradiction=contradiction_of(said.reason, said.confidence),
        recall=_recall(given, chosen, first.kind) if first else 0.0,
        said=f"do {chosen[0].action} to {chosen[0].service}" if chosen else "do nothing",
    )


def same(one: Plan, other: Plan) -> bool | None:
    """Whether both begin with the same action; rules that know none say nothing about those that a model knows."""
    if not one.proposals and not other.proposals:
        return True
    if not one.proposals or not other.proposals:
        return None if one.settled == other.settled and _without_reason(one, other) else False
    return one.proposals[0].hash == other.proposals[0].hash


def _without_reason(one: Plan, other: Plan) -> bool:
    """Whether the plan that is not empty proposes only what nobody but a model proposes."""
    return all(each.unsure for each in (*one.proposals, *other.proposals))


def _unsure(proposal: Proposal) -> str:
    return f"only a model proposes {proposal.action} of {proposal.service} against this"


def _support(rules: Plan | None, chosen: list[Proposal], given: HealingInput) -> float | None:
    """What the rules make of the first choice; None where they know nothing that helps."""
    if rules is None or not rules.proposals:
        return None
    sure = rules.proposals[0].confidence
    if not chosen:
        return 1 - sure
    if chosen[0].hash == rules.proposals[0].hash:
        return sure
    return ANOTHER * sure if chosen[0].hash in {one.hash for one in rules.proposals} else UNLISTED


def _recall(given: HealingInput, chosen: list[Proposal], kind: FaultKind) -> float:
    """Worth of past resolutions by the same action of the same kind of fault."""
    action = chosen[0].action if chosen else ""
    worth = (
        track_record(one.similarity, one.successes, one.failures)
        for one in given.recollections
        if one.kind is kind and one.action == action and action
    )
    return max(worth, default=0.0)


def _cause(first: Hypothesis, showing: Showing) -> str:
    """What the diagnosis names, and below it how it is told: that may hold words of the logs, and of a model."""
    named = f"{showing.line(first.service, 60)} {first.kind}, probability {first.probability:.2f}:"
    told = showing.block([f"{showing.line(first.statement)} {ids(first.evidence_for)}"], 300)
    return f"{named}\n{told}"


def _told(proposal: Proposal, showing: Showing) -> str:
    parameters = ", ".join(f"{key}={value}" for key, value in sorted(proposal.parameters.items()))
    undo = f", undone by {proposal.undo}" if proposal.undo else ", cannot be undone"
    what = f"{proposal.action} {proposal.service} {parameters}".rstrip()
    return f"{showing.line(what)} (risk {proposal.risk}{undo})"
