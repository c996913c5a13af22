"""Taking an action back when it did not help.

An undo is exempt from rate, attempts, loop, cooldown and stale evidence (see `remediation.guardrails`), since leaving
a useless change in place is worse than one more action; it is never exempt from the audit.
"""

from __future__ import annotations

from core.models import Attempt, AttemptState, Proposal
from tools.registry import ACTIONS


def undo_of(attempt: Attempt) -> Proposal | None:
    """What reverses the attempt; None when nothing was done, nothing can reverse it, or it is an undo itself."""
    outcome = attempt.outcome
    if attempt.state is not AttemptState.DONE or attempt.dry_run or attempt.undo_of or outcome is None:
        return None
    done = ACTIONS[attempt.proposal.action]
    parameters = done.undo_parameters(outcome) if done.reversible else None
    if parameters is None:
        return None
    return Proposal(
        action=done.undo,
        service=attempt.proposal.service,
        parameters=parameters,
        hypothesis=f"{done.name} did not help: {attempt.proposal.hypothesis}",
        confidence=attempt.proposal.confidence,
        evidence=attempt.proposal.evidence,
        expected_effect=f"{attempt.proposal.service} is as it was before the {done.name}",
        risk=ACTIONS[done.undo].risk,
    )
