"""What language models cost, summed as asked for, and what is left of the budget."""

from __future__ import annotations

from datetime import datetime

from app.operations.arguments import Limit
from app.operations.context import Context
from app.operations.operation import get
from app.operations.outputs import CostReport
from core.errors import InvalidInput
from core.models import to_utc
from core.spending import CostBy, Spent


@get("/api/costs", CostReport)
async def show_costs(
    context: Context, *, by: CostBy = CostBy.DAY, since: datetime | None = None, limit: Limit = 100
) -> CostReport:
    """What language models cost since a time, by call, incident, service, user, agent, task, model, rung or day.

    Raises:
        InvalidInput: the time has no zone.
    """
    try:
        start = None if since is None else to_utc(since)
    except ValueError as error:
        raise InvalidInput(str(error), path="since", fix="such as 2026-03-03T12:00:00Z") from error
    async with context.store.read() as tx:
        rows = [] if by is CostBy.CALL else await tx.spending.costs(by, start, limit)
        calls = await tx.spending.calls(start, limit) if by is CostBy.CALL else []
        total = await tx.spending.total(start)
        spent = await tx.spending.spent()
    budget = context.settings.budget
    return CostReport(
        by=by,
        since=start,
        rows=tuple(rows),
        calls=tuple(calls),
        total=total,
        budget=tuple(Spent(period=each, cap_usd=budget.of(each), spent_usd=usd) for each, usd in spent.items()),
    )
