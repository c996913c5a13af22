"""The guard: pure rules over a proposal and the facts, each with its own named reason.

A rule returns a reason, or None when it has nothing to say. A new rule is one function and one line in `RULES`.
The strictest effect of all reasons holds; a human's yes lifts `ask` to `allow` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from core.models import Autonomy, Effect, GuardFacts, GuardReason, Proposal, Verdict

Rule = Callable[[Proposal, GuardFacts], GuardReason | None]

_STRICTNESS = (Effect.DENY, Effect.ASK, Effect.ALLOW)


def kill_switch(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """Nothing is done while the kill switch is on."""
    if facts.kill_switch:
        return _reason(kill_switch, Effect.DENY, "the kill switch is on")
    return None


def dry_run(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """A dry run is judged like a real one; the executor then runs nothing."""
    if facts.dry_run:
        return _reason(dry_run, Effect.ALLOW, f"dry run: {_what(proposal)} will not be run")
    return None


def target_resolved(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """No resolved target, no action."""
    if not facts.target_resolved:
        return _reason(target_resolved, Effect.DENY, f"{proposal.service!r} is no service that an actuator owns")
    return None


def autonomy(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """`observe` never acts and says what it would have done; `propose` asks."""
    if facts.autonomy is Autonomy.OBSERVE:
        detail = f"observing only: would have done {_what(proposal)}, expecting: {proposal.expected_effect}"
        return _reason(autonomy, Effect.DENY, detail)
    if facts.autonomy is Autonomy.PROPOSE:
        return _reason(autonomy, Effect.ASK, "autonomy is `propose`")
    return None


def unsure(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """What the machines are not sure of, a human decides; the undo of what was allowed is not asked about again."""
    if proposal.unsure and not facts.undo:
        return _reason(unsure, Effect.ASK, proposal.unsure)
    return None


def protected(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """A protected service is never acted on without a human."""
    if facts.protected:
        return _reason(protected, Effect.ASK, f"{proposal.service} is protected")
    return None


def policy(proposal: Proposal, facts: GuardFacts) -> GuardReason:
    """What the action policy says; it always says something."""
    return _reason(policy, facts.policy_effect, facts.policy_rule)


def rate(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """So many actions a service and hour; undo is exempt."""
    if not facts.undo and facts.actions_last_hour >= facts.max_actions_per_hour:
        detail = f"{facts.actions_last_hour} actions on {proposal.service} in the last hour"
        return _reason(rate, Effect.DENY, f"{detail}, at most {facts.max_actions_per_hour} are allowed")
    return None


def cooldown(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """A service rests between two actions; undo is exempt."""
    rested = facts.seconds_since_last_action
    if not facts.undo and rested is not None and rested < facts.cooldown_seconds:
        detail = f"the last action on {proposal.service} was {rested:.0f} s ago"
        return _reason(cooldown, Effect.DENY, f"{detail}, {facts.cooldown_seconds:.0f} s must pass")
    return None


def attempts(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """So many attempts an incident; undo is exempt."""
    if not facts.undo and facts.attempts_this_incident >= facts.max_attempts:
        detail = f"{facts.attempts_this_incident} attempts in this incident, at most {facts.max_attempts} are allowed"
        return _reason(attempts, Effect.DENY, detail)
    return None


def last_action_failed(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """After an action that could not be carried out the world is not as believed: a human looks first."""
    if not facts.undo and facts.last_action_failed:
        return _reason(
            last_action_failed, Effect.ASK, f"the last action on {proposal.service} could not be carried out"
        )
    return None


def same_action(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """A new try needs a different action."""
    if not facts.undo and facts.same_action_tried:
        return _reason(same_action, Effect.DENY, f"{_what(proposal)} was tried in this incident already")
    return None


def stale_evidence(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """Old evidence is read again before acting; what has passed by itself needs no healing. Undo is exempt."""
    if facts.undo:
        return None
    if facts.still_anomalous is False:
        return _reason(stale_evidence, Effect.DENY, "the signals are normal again")
    if facts.still_anomalous is None and facts.evidence_age_seconds > facts.max_evidence_age_seconds:
        detail = f"the evidence is {facts.evidence_age_seconds:.0f} s old and could not be read again"
        return _reason(stale_evidence, Effect.DENY, detail)
    return None


def approval(proposal: Proposal, facts: GuardFacts) -> GuardReason | None:
    """A human's answer: a no denies; a yes is weighed by `judge`."""
    if facts.approved is None:
        return None
    if facts.approved:
        return _reason(approval, Effect.ALLOW, "approved by a human")
    return _reason(approval, Effect.DENY, "rejected by a human")


RULES: tuple[Rule, ...] = (
    kill_switch,
    dry_run,
    target_resolved,
    autonomy,
    unsure,
    protected,
    policy,
    rate,
    cooldown,
    attempts,
    last_action_failed,
    same_action,
    stale_evidence,
    approval,
)
"""In the order in which reasons are shown; the order does not change the effect."""


def judge(proposal: Proposal, facts: GuardFacts) -> Verdict:
    """The verdict of all rules. Pure: the same proposal and facts give the same verdict."""
    reasons = tuple(reason for rule in RULES if (reason := rule(proposal, facts)) is not None)
    effect = next(effect for effect in _STRICTNESS if any(reason.effect is effect for reason in reasons))
    if effect is Effect.ASK and facts.approved:
        # The approval goes first, since `Verdict.deciding` names the first reason with the verdict's effect.
        effect = Effect.ALLOW
        reasons = tuple(sorted(reasons, key=lambda reason: reason.rule != approval.__name__))
    return Verdict(proposal_hash=proposal.hash, effect=effect, reasons=reasons, facts=facts)


def _reason(rule: Rule, effect: Effect, detail: str) -> GuardReason:
    return GuardReason(rule=rule.__name__, effect=effect, detail=detail)


def _what(proposal: Proposal) -> str:
    """The action in words."""
    with_parameters = ", ".join(f"{name}={value}" for name, value in sorted(proposal.parameters.items()))
    return f"{proposal.action} of {proposal.service}" + (f" ({with_parameters})" if with_parameters else "")
