"""Healing agent: what may help against the first hypothesis, best first, never what was tried."""

from __future__ import annotations

from agents.models import HealingInput, Plan
from agents.rungs import healing as rung
from agents.spec import AgentSpec, Answer, Budget
from core.models import (
    ActionOption,
    Check,
    EscalationReason,
    FaultKind,
    Hypothesis,
    Proposal,
    Rung,
    RunState,
    ServiceKind,
    ServiceState,
    Signal,
)
from core.models.faults import REMEDY_OF

MIN_CONFIDENCE = 0.6
"""Below this probability a cause is a guess, and nobody is touched on a guess."""

MAX_REPLICAS = 20
"""More is for a human to decide."""

REMEDIES: dict[FaultKind, tuple[str, ...]] = {
    FaultKind.CRASH: ("start", "restart"),
    FaultKind.MEMORY_LIMIT: ("start", "restart"),
    FaultKind.HANG: ("restart",),
    FaultKind.CPU_SATURATION: ("restart",),
    FaultKind.BAD_RELEASE: ("rollback",),
    FaultKind.INCOMPLETE_RELEASE: ("rollback",),
    FaultKind.MEMORY_LEAK: ("restart",),
    FaultKind.POOL_EXHAUSTED: ("restart",),
    FaultKind.CRASH_LOOP: ("rollback",),
    FaultKind.TRAFFIC_SURGE: ("scale",),
}
"""Actions that help against a kind of fault, best first. A kind without a row has no safe remedy: a human decides.

Restarting brings a bad release back, and a service that only suffers from a dependency is left alone. A leak of memory
or connections ends with the process. What ends again and again is being restarted already: an earlier release is all
that is left to try. A full disk, a certificate and a name that is not found stay as they are after any restart.
"""

FAILING_SIGNALS: dict[FaultKind, tuple[Signal, ...]] = {
    FaultKind.CRASH: (Signal.UP,),
    FaultKind.MEMORY_LIMIT: (Signal.UP,),
    FaultKind.HANG: (Signal.UP,),
    FaultKind.CPU_SATURATION: (Signal.CPU,),
    FaultKind.MEMORY_LEAK: (Signal.MEMORY,),
    FaultKind.POOL_EXHAUSTED: (Signal.ERRORS,),
    FaultKind.BAD_RELEASE: (Signal.ERRORS,),
    FaultKind.CRASH_LOOP: (Signal.UP,),
    FaultKind.INCOMPLETE_RELEASE: (Signal.ERRORS,),
    FaultKind.TRAFFIC_SURGE: (Signal.LATENCY, Signal.ERRORS),
}
"""What must be back at its normal on the healed service itself."""

SYMPTOM_SIGNALS = (Signal.ERRORS, Signal.LATENCY, Signal.UP)
"""What must be back at its normal where the alert was."""


async def plan(given: HealingInput) -> Answer[Plan]:
    """Proposals for the first hypothesis only; the confidence is that of the hypothesis."""
    first = given.diagnosis.first
    result = _plan(given).model_copy(update={"remedy": REMEDY_OF.get(first.kind) if first else None})
    return Answer(result, result.proposals[0].confidence if result.proposals else given.diagnosis.confidence)


def concern(result: Plan) -> EscalationReason | None:
    """Something is broken and nothing may be done about it."""
    return None if result.proposals or result.settled else EscalationReason.ABSTAINED


def choosable(given: HealingInput) -> tuple[Proposal, ...]:
    """All that a model may choose from, what rules propose first: actions that help against some fault, on the cause.

    Nothing while the cause is a guess, is not in the inventory, or was stopped on purpose. What no rule proposes
    against this kind of fault is marked by the rung, and a human is asked about it.
    """
    first = given.diagnosis.first
    if first is None or first.kind is FaultKind.FALSE_ALARM or _forbidden(given, first):
        return ()
    state = next((one for one in given.states if one.service == first.service), None)
    names = (_remedies(first.kind, state, given), *REMEDIES.values())
    possible = {one.name: one for one in given.options if _possible(one.name, first.service, given)}
    options = [possible[name] for name in dict.fromkeys(name for each in names for name in each) if name in possible]
    proposals = (_propose(option, first, state, given.symptom) for option in options)
    return tuple(one for one in proposals if one.hash not in given.tried)


def _plan(given: HealingInput) -> Plan:
    """The plan, or why there is none."""
    first = given.diagnosis.first
    if first is None:
        return Plan(reason=f"no cause is known: {given.diagnosis.abstained or 'the diagnosis is empty'}")
    if first.kind is FaultKind.FALSE_ALARM:
        return Plan(reason="nothing is broken", settled=True)
    forbidden = _forbidden(given, first)
    if forbidden:
        return Plan(reason=forbidden)
    state = next((one for one in given.states if one.service == first.service), None)
    options = {option.name: option for option in given.options if _possible(option.name, first.service, given)}
    actions = [options[name] for name in _remedies(first.kind, state, given) if name in options]
    proposals = tuple(_propose(option, first, state, given.symptom) for option in actions)
    untried = tuple(proposal for proposal in proposals if proposal.hash not in given.tried)
    if untried:
        return Plan(proposals=untried, reason=first.statement)
    why = "all that could help was tried" if proposals else "no action is known to help"
    return Plan(reason=f"{why} against {first.kind} of {first.service}")


def _forbidden(given: HealingInput, first: Hypothesis) -> str:
    """Why nothing may be done about the cause, whoever proposes it; empty when something may."""
    if first.probability < MIN_CONFIDENCE:
        return f"the cause is too uncertain to act on ({first.probability:.2f}): {first.statement}"
    if first.service not in {service.name for service in given.services}:
        return f"{first.service} is not in the inventory"
    stopped = any(one.service == first.service and one.state is RunState.STOPPED for one in given.states)
    if first.kind is FaultKind.CRASH and stopped:
        return f"{first.service} was stopped on purpose: who stopped it decides"
    return ""


def _remedies(kind: FaultKind, state: ServiceState | None, given: HealingInput) -> list[str]:
    """Names of the actions, those that helped before first, else in the order of the table.

    Without a word from the actuator a crash cannot be told from a hang, so the action that helps both goes first. A
    crash loop is only ended by an earlier release, where one is known.
    """
    names = REMEDIES.get(kind, ())
    if kind is FaultKind.CRASH and state is None:
        names = tuple(reversed(names))
    if kind is FaultKind.CRASH_LOOP and not (state and state.previous_release):
        return []
    record = dict.fromkeys(names, 0)
    for memory in given.recollections:
        if memory.kind is kind and memory.action in record:
            record[memory.action] += memory.successes - memory.failures
    return sorted(names, key=lambda name: -record[name])


def _possible(action: str, name: str, given: HealingInput) -> bool:
    """Whether the action can be filled in: more replicas only of what keeps no data, and when their number is known."""
    if action != "scale":
        return True
    stateless = any(one.name == name and one.kind is ServiceKind.STATELESS for one in given.services)
    return stateless and any(one.service == name and 0 < one.replicas < MAX_REPLICAS for one in given.states)


def _parameters(action: str, state: ServiceState | None) -> dict[str, str]:
    """To which release, or to how many replicas: twice as many, as nobody has measured what one of them can serve."""
    if action == "rollback" and state and state.previous_release:
        return {"release": state.previous_release}
    if action == "scale" and state:
        return {"replicas": str(min(MAX_REPLICAS, 2 * state.replicas))}
    return {}


def _propose(option: ActionOption, cause: Hypothesis, state: ServiceState | None, symptom: str) -> Proposal:
    """One action on the service that caused it, with the checks that will prove it."""
    return Proposal(
        action=option.name,
        service=cause.service,
        parameters=_parameters(option.name, state),
        hypothesis=cause.statement,
        confidence=cause.probability,
        evidence=cause.evidence_for,
        expected_effect=f"{option.name} ends the {cause.kind} of {cause.service}; its callers recover with it",
        success_checks=_checks(cause, symptom),
        undo=option.undo,
        risk=option.risk,
    )


def _checks(cause: Hypothesis, symptom: str) -> tuple[Check, ...]:
    """The cause's own failing signal, and what users see at the symptom; each once."""
    wanted = [(cause.service, signal) for signal in FAILING_SIGNALS.get(cause.kind, ())]
    wanted += [(symptom, signal) for signal in SYMPTOM_SIGNALS if symptom]
    return tuple(
        Check(service=service, signal=signal, description=f"{signal} of {service} is back at its normal")
        for service, signal in dict.fromkeys(wanted)
    )


SPEC = AgentSpec(
    name="healing",
    version="1",
    description="Picks actions from the registry against the first hypothesis, with the checks that prove recovery.",
    input=HealingInput,
    output=Plan,
    tools=("service_state",),
    rungs={Rung.RULES: plan},
    budget=Budget(rung_seconds=10),
    concern=concern,
    prompted=rung.prompted(choosable),
    same=rung.same,
)
