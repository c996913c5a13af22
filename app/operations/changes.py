"""What pipelines, flag systems and people report of changes, so that an investigation finds them."""

from __future__ import annotations

from typing import Annotated

from annotated_types import MaxLen, MinLen

from app.operations.arguments import Limit
from app.operations.context import Context
from app.operations.operation import get, post
from app.operations.outputs import ChangeList, KeptChanges
from clients.changes.files import told
from core.changes import ChangeKind, ReportedChange
from core.errors import InvalidInput

REPORT = "report"
Reports = Annotated[list[ReportedChange], MinLen(1), MaxLen(100)]


@post("/api/changes", KeptChanges)
async def report_changes(context: Context, *, changes: Reports) -> KeptChanges:
    """Keep what was changed, each change once; without a time it counts from now.

    Raises:
        InvalidInput: a change names no service, and is no commit.
    """
    now = context.clock.now()
    for number, report in enumerate(changes):
        if not report.service and report.kind is not ChangeKind.COMMIT:
            raise InvalidInput("the service is missing", path=f"changes[{number}].service", fix="name what was changed")
    timed = [each if each.at else each.model_copy(update={"at": now}) for each in changes]
    found = [change for each in timed if (change := told(each, REPORT)) is not None]
    async with context.store.write() as tx:
        new = [await tx.changes.add(change) for change in found]
    names = dict.fromkeys(change.service for change in found if change.service)
    unknown = tuple(name for name in names if context.inventory.get(name) is None)
    return KeptChanges(kept=sum(new), known=len(new) - sum(new), unknown_services=unknown)


@get("/api/changes", ChangeList)
async def list_changes(context: Context, *, service: str = "", limit: Limit = 50) -> ChangeList:
    """The newest reported changes, of one service or of all, oldest first."""
    async with context.store.read() as tx:
        return ChangeList(changes=tuple(await tx.changes.recent(service, limit)))
