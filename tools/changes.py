"""What was reported of changes, from the store and from every other source, as one source."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta

from core.changes import ChangePage, ChangeQuery
from core.errors import SourceError
from core.models import Change
from core.ports import ChangeSource, SourceStatus
from stores.store import Store

SAME = timedelta(minutes=2)
"""Within so much time a deploy to the same release, told by two sources, is one."""


class StoredChanges:
    """`core.ports.ChangeSource` from what was reported to Quell."""

    name = "reports"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def query(self, query: ChangeQuery) -> ChangePage:
        """The reports in the window, of the service or of none."""
        async with self._store.read() as tx:
            return ChangePage(changes=tuple(await tx.changes.of(query.service, query.window)))

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=True, reachable=True)


class AllChanges:
    """Several sources as one: what one cannot tell does not hide what the others can."""

    name = "changes"

    def __init__(self, sources: Iterable[ChangeSource]) -> None:
        self._sources = tuple(sources)

    async def query(self, query: ChangeQuery) -> ChangePage:
        """Everything that any source tells, oldest first, each change once."""
        pages = await asyncio.gather(*(self._ask(source, query) for source in self._sources))
        return ChangePage(
            changes=merged([change for page in pages for change in page.changes]),
            unanswered=tuple(why for page in pages for why in page.unanswered),
        )

    async def status(self) -> SourceStatus:
        """The first source that has something to complain about, else all together."""
        told = [await source.status() for source in self._sources]
        broken = next((one for one in told if one.configured and not one.reachable), None)
        return broken or SourceStatus(name=self.name, configured=True, reachable=True)

    async def _ask(self, source: ChangeSource, query: ChangeQuery) -> ChangePage:
        try:
            return await source.query(query)
        except SourceError as error:
            return ChangePage(unanswered=(f"{source.name}: {error.message}",))


def merged(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes, oldest first; one that two sources tell of is told once, with what each of them knows."""
    kept: list[Change] = []
    for change in sorted(changes, key=lambda one: one.at):
        same = next((number for number, one in enumerate(kept) if _same(one, change)), None)
        if same is None:
            kept.append(change)
        else:
            kept[same] = _joined(kept[same], change)
    return tuple(kept)


def _same(one: Change, other: Change) -> bool:
    if (one.service, one.kind) != (other.service, other.kind) or one.source == other.source:
        return False
    if one.kind == "commit":
        return bool(one.reference) and one.reference == other.reference
    agree = all(not left or not right or left == right for left, right in _told(one, other))
    return agree and bool(one.after and other.after) and abs(one.at - other.at) <= SAME


def _told(one: Change, other: Change) -> tuple[tuple[str, str], ...]:
    return ((one.after, other.after), (one.reference, other.reference))


def _joined(one: Change, other: Change) -> Change:
    """The earlier one, filled in with what only the other says."""
    names = ("actor", "before", "after", "detail", "reference", "text", "paths")
    filled = {name: getattr(one, name) or getattr(other, name) for name in names}
    return one.model_copy(update={**filled, "source": ", ".join(filter(None, (one.source, other.source)))})
