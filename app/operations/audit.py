"""The audit trail: read it, and prove that nobody changed it."""

from __future__ import annotations

from app.operations.arguments import Id, Limit, Sequence
from app.operations.context import Context
from app.operations.operation import get
from app.operations.outputs import AuditPage
from stores.audit import AuditReport


@get("/api/audit", AuditPage)
async def show_audit(
    context: Context, *, after: Sequence = 0, limit: Limit = 100, incident: Id | None = None
) -> AuditPage:
    """Entries of the audit trail after a sequence number, oldest first."""
    async with context.store.read() as tx:
        entries = await tx.audit.entries(after=after, limit=limit, incident=incident)
    return AuditPage(entries=tuple(entries), next_after=entries[-1].sequence if len(entries) == limit else None)


@get("/api/audit/verify", AuditReport)
async def verify_audit(context: Context) -> AuditReport:
    """Recompute the hash chain of the audit trail and say where it is broken, if it is."""
    async with context.store.read() as tx:
        return await tx.audit.verify()
