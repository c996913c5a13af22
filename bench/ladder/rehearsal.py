"""A remedy that goes all the way but for the last step: real guard rules, real reservations, nothing done."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.clock import Clock
from core.models import (
    ActionOutcome,
    Attempt,
    AttemptState,
    Autonomy,
    Effect,
    GuardFacts,
    Incident,
    Proposal,
    Recovery,
    Verdict,
    Verification,
    content_id,
)
from remediation.guardrails import judge
from stores.leases import Lease
from stores.store import Store


@dataclass
class Rehearsal:
    """`graphs.context.Remedy` where policy allows everything: what still does not happen, the ladder held back.

    Attributes:
        acted: what would have been done, in order.
    """

    clock: Clock
    store: Store
    acted: list[str] = field(default_factory=list)

    async def judge(self, incident: Incident, proposal: Proposal, undo_of: Attempt | None = None) -> Verdict:
        """By today's rules, on facts that speak for the action."""
        facts = GuardFacts(
            at=self.clock.now(),
            autonomy=Autonomy.ACT,
            protected=False,
            target_resolved=True,
            policy_effect=Effect.ALLOW,
            policy_rule="rehearsal",
            still_anomalous=True,
            undo=undo_of is not None,
        )
        return judge(proposal, facts)

    async def act(self, incident: Incident, proposal: Proposal, lease: Lease, undo_of: str = "") -> Attempt:
        """Reserved and said to be done."""
        self.acted.append(f"{proposal.action} {proposal.service}")
        attempt = Attempt(
            id=content_id("att", incident.id, proposal.hash, undo_of),
            incident_id=incident.id,
            proposal=proposal,
            proposal_hash=proposal.hash,
            state=AttemptState.RESERVED,
            reserved_at=self.clock.now(),
            undo_of=undo_of,
        )
        outcome = ActionOutcome(ok=True, detail="rehearsed", before="", after="")
        async with self.store.write() as tx:
            await tx.attempts.reserve(attempt)
            return await tx.attempts.update(attempt.id, state=AttemptState.DONE, outcome=outcome)

    async def verify(self, incident: Incident, attempt: Attempt) -> Verification:
        """Taken for recovered."""
        return Verification(recovery=Recovery.RECOVERED, seconds=0.0, detail="rehearsed")
