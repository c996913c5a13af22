"""Asking a human about a proposal, and taking the answer."""

from __future__ import annotations

from datetime import datetime

from core.errors import Conflict, NotFound
from core.models import Approval, ApprovalState, Incident, Proposal, Verdict, content_id
from stores.store import Store, Tx

_PREFIX = "appr"


async def request(tx: Tx, incident: Incident, proposal: Proposal, verdict: Verdict, now: datetime) -> Approval:
    """Ask, once per incident and proposal hash: a node that runs again finds its earlier question."""
    existing = await tx.approvals.for_proposal(incident.id, proposal.hash)
    if existing is not None:
        return existing
    approval = await tx.approvals.request(
        Approval(
            id=content_id(_PREFIX, incident.id, proposal.hash),
            incident_id=incident.id,
            proposal=proposal,
            proposal_hash=proposal.hash,
            state=ApprovalState.PENDING,
            reasons=verdict.reasons,
            requested_at=now,
        )
    )
    await _audit(tx, "quell", "approval.requested", approval)
    return approval


async def decide(store: Store, identity: str, approved: bool, by: str, note: str = "") -> Approval:
    """Take a human's answer.

    Args:
        identity: id of an approval, or of an incident with exactly one that is pending.

    Raises:
        NotFound: there is no such approval, or nothing is pending in that incident.
        Conflict: it was answered before, or several are pending in that incident.
    """
    async with store.write() as tx:
        pending = await _pending(tx, identity)
        state = ApprovalState.APPROVED if approved else ApprovalState.REJECTED
        approval = await tx.approvals.decide(pending.id, state, by, note)
        await _audit(tx, by, f"approval.{state}", approval, note=note)
    return approval


async def _pending(tx: Tx, identity: str) -> Approval:
    if identity.startswith(f"{_PREFIX}_"):
        return await tx.approvals.get(identity)
    waiting = await tx.approvals.find(state=ApprovalState.PENDING, incident=identity)
    if not waiting:
        raise NotFound(f"nothing waits for an answer in {identity}", fix="`quell incidents show` tells where it stands")
    if len(waiting) > 1:
        ids = ", ".join(approval.id for approval in waiting)
        raise Conflict(f"{len(waiting)} proposals wait in {identity}: {ids}", fix="answer one by its own id")
    return waiting[0]


async def _audit(tx: Tx, actor: str, action: str, approval: Approval, note: str = "") -> None:
    detail = {
        "incident": approval.incident_id,
        "approval": approval.id,
        "proposal": approval.proposal_hash,
        "action": approval.proposal.action,
        "note": note,
    }
    await tx.audit.append(actor, action, approval.proposal.service, detail)
