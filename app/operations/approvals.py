"""Approvals: list, approve, reject."""

from __future__ import annotations

from app.operations.arguments import Id, Note, Who
from app.operations.context import Context
from app.operations.operation import get, post
from app.operations.outputs import ApprovalList
from core.models import Approval, ApprovalState
from remediation import approvals


@get("/api/approvals", ApprovalList)
async def list_approvals(
    context: Context, *, state: ApprovalState | None = None, incident: Id | None = None
) -> ApprovalList:
    """Questions to a human, newest first; of one state or incident only when asked."""
    async with context.store.read() as tx:
        return ApprovalList(approvals=tuple(await tx.approvals.find(state=state, incident=incident)))


@post("/api/approvals/{approval_id}/approve", Approval)
async def approve(context: Context, *, approval_id: Id, by: Who = "api", note: Note = "") -> Approval:
    """Approve a proposed action; the id of the incident will do when it asks one question only."""
    return await approvals.decide(context.store, approval_id, approved=True, by=by, note=note)


@post("/api/approvals/{approval_id}/reject", Approval)
async def reject(context: Context, *, approval_id: Id, by: Who = "api", note: Note = "") -> Approval:
    """Reject a proposed action; the id of the incident will do when it asks one question only."""
    return await approvals.decide(context.store, approval_id, approved=False, by=by, note=note)
