"""Actions that were reserved, carried out and verified."""

from __future__ import annotations

from app.operations.arguments import Id, Limit
from app.operations.context import Context
from app.operations.operation import get
from app.operations.outputs import ActionList


@get("/api/actions", ActionList)
async def list_actions(
    context: Context, *, incident: Id | None = None, service: Id | None = None, limit: Limit = 100
) -> ActionList:
    """Action attempts, newest first; of one incident or service only when asked."""
    async with context.store.read() as tx:
        return ActionList(actions=tuple(await tx.attempts.find(incident=incident, service=service, limit=limit)))
