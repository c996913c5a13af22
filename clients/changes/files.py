"""Changes from files of JSON lines, as pipelines without a network path to Quell can write them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from core.changes import ChangePage, ChangeQuery, ReportedChange, cleaned
from core.models import Change
from core.ports import SourceStatus

MAX_BYTES = 8 * 2**20
"""Of the end of a file that are read."""


def told(report: ReportedChange, source: str) -> Change | None:
    """The change that a report tells of; None without a time."""
    if report.at is None:
        return None
    return cleaned(
        Change(
            service=report.service,
            kind=report.kind.value,
            at=report.at,
            actor=report.actor,
            before=report.before,
            after=report.after,
            detail=report.title,
            reference=report.reference,
            text=report.diff,
            paths=report.paths,
            source=source,
        )
    )


class ChangeFiles:
    """`core.ports.ChangeSource` from files; they are read anew for every question."""

    name = "change files"

    def __init__(self, files: Iterable[str]) -> None:
        self._files = tuple(Path(name) for name in files)

    async def query(self, query: ChangeQuery) -> ChangePage:
        """The changes in the window, of the service or of none; lines that are no change are counted."""
        pages = [await asyncio.to_thread(_read, path, query) for path in self._files]
        found = sorted((one for page in pages for one in page.changes), key=lambda one: one.at)
        return ChangePage(changes=tuple(found), unanswered=tuple(why for page in pages for why in page.unanswered))

    async def status(self) -> SourceStatus:
        """Whether every file is there."""
        missing = [str(path) for path in self._files if not path.is_file()]
        return SourceStatus(
            name=self.name,
            configured=bool(self._files),
            reachable=bool(self._files) and not missing,
            detail=f"missing: {', '.join(missing)}" if missing else "",
            fix="correct `changes: files:`, or let the pipeline write it" if missing else "",
        )


def _read(path: Path, query: ChangeQuery) -> ChangePage:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MAX_BYTES))
            lines = file.read(MAX_BYTES).splitlines()[1 if size > MAX_BYTES else 0 :]
    except OSError as error:
        return ChangePage(unanswered=(f"{path}: {error.strerror}",))
    found, broken = [], 0
    for line in filter(None, map(bytes.strip, lines)):
        try:
            change = told(ReportedChange.model_validate_json(line), path.name)
        except ValidationError:
            change = None
        broken += change is None
        if change and change.service in ("", query.service) and query.window.start <= change.at < query.window.end:
            found.append(change)
    return ChangePage(changes=tuple(found), unanswered=(f"{path}: {broken} lines are no change",) if broken else ())
