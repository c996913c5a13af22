"""All that the guard may look at, read at one instant, so that a verdict can be replayed from its facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.models import (
    Approval,
    ApprovalState,
    Attempt,
    AttemptState,
    Autonomy,
    Effect,
    GuardFacts,
    Incident,
    Proposal,
)
from remediation.policy import ActionPolicy
from stores.store import Tx
from tools.inventory import Inventory
from tools.sources import Sources

KILL_SWITCH = "kill_switch"
"""Flag of the store: any text but the empty one means that nothing may be done."""

_RATE_SPAN = timedelta(hours=1)
_FAILED = (AttemptState.FAILED, AttemptState.UNKNOWN)
_FREEDOM = (Autonomy.OBSERVE, Autonomy.PROPOSE, Autonomy.ACT)


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """What the guard knows besides the store.

    Attributes:
        autonomy: of services that do not say.
        dry_run: judge, but run nothing.
    """

    inventory: Inventory
    sources: Sources
    policy: ActionPolicy
    autonomy: Autonomy
    dry_run: bool = False


async def read_facts(
    tx: Tx,
    settings: GuardSettings,
    incident: Incident,
    proposal: Proposal,
    *,
    now: datetime,
    still_anomalous: bool | None,
    undo_of: Attempt | None = None,
) -> GuardFacts:
    """The facts about a proposal, in the caller's transaction.

    Args:
        still_anomalous: whether the success checks fail right now, as `Verifier.present` reads it.
        undo_of: the attempt that the proposal reverses. Who approved that one approved its undo, which was named in
            the request.
    """
    policy = settings.policy
    service = settings.inventory.get(proposal.service)
    resolved = service is not None and settings.sources.actuator_for(service) is not None
    effect, rule = policy.decide(proposal.action, service) if service else (Effect.DENY, "no such service")
    on_service = _counted(await tx.attempts.of_service(proposal.service, now - _RATE_SPAN))
    in_incident = _counted(await tx.attempts.of_incident(incident.id))
    last = max(on_service, key=lambda attempt: attempt.reserved_at, default=None)
    asked_for = undo_of.proposal_hash if undo_of else proposal.hash
    return GuardFacts(
        at=now,
        kill_switch=await kill_switch_on(tx),
        dry_run=settings.dry_run,
        undo=undo_of is not None,
        autonomy=_autonomy(settings, incident, proposal),
        protected=service.protected if service else True,
        target_resolved=resolved,
        policy_effect=effect,
        policy_rule=rule,
        actions_last_hour=len(on_service),
        max_actions_per_hour=policy.max_actions_per_hour,
        seconds_since_last_action=(now - last.reserved_at).total_seconds() if last else None,
        cooldown_seconds=policy.cooldown_seconds,
        attempts_this_incident=len(in_incident),
        max_attempts=policy.max_attempts,
        last_action_failed=last is not None and last.state in _FAILED,
        same_action_tried=any(attempt.proposal_hash == proposal.hash for attempt in in_incident),
        approved=_answer(await tx.approvals.for_proposal(incident.id, asked_for)),
        evidence_age_seconds=await _evidence_age_seconds(tx, incident, proposal, now),
        max_evidence_age_seconds=policy.max_evidence_age_seconds,
        still_anomalous=still_anomalous,
        blast_radius=len(settings.inventory.dependents(proposal.service)),
    )


async def kill_switch_on(tx: Tx) -> bool:
    """Whether the kill switch is on."""
    return bool(await tx.flags.get(KILL_SWITCH))


def _counted(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Attempts that the limits are about: undo and dry runs are not."""
    return [attempt for attempt in attempts if not attempt.undo_of and not attempt.dry_run]


def _autonomy(settings: GuardSettings, incident: Incident, proposal: Proposal) -> Autonomy:
    """The narrower of what bounds the run and what the target allows."""
    service = settings.inventory.get(proposal.service)
    own = service.autonomy_for(incident.severity, settings.autonomy) if service else Autonomy.OBSERVE
    return min(own, incident.autonomy, key=_FREEDOM.index)


def _answer(approval: Approval | None) -> bool | None:
    """A human's answer; no answer in time is none."""
    if approval is None or approval.state not in (ApprovalState.APPROVED, ApprovalState.REJECTED):
        return None
    return approval.state is ApprovalState.APPROVED


async def _evidence_age_seconds(tx: Tx, incident: Incident, proposal: Proposal, now: datetime) -> float:
    """Seconds since the youngest cited evidence; without any, since the incident began."""
    cited = [
        evidence.window.end
        for evidence in await tx.evidence.of_incident(incident.id)
        if evidence.id in proposal.evidence
    ]
    return max(0.0, (now - max(cited, default=incident.opened_at)).total_seconds())
