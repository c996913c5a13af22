"""What was reported of changes, from the store and from every other source, as one source."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta

from core.changes import ChangeKind, ChangePage, ChangeQuery
from core.errors import SourceError
from core.models import Change
from core.ports import ChangeSource, SourceStatus
from stores.store import Store

COMMIT = ChangeKind.COMMIT.value
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
    places: dict[tuple[str, ...], list[int]] = {}
    for change in sorted(changes, key=lambda one: one.at):
        alike = places.setdefault(_key(change), [])
        same = next((place for place in alike if _same(kept[place], change)), None)
        if same is None:
            alike.append(len(kept))
            kept.append(change)
        else:
            kept[same] = _joined(kept[same], change)
    return tuple(kept)


def _key(change: Change) -> tuple[str, ...]:
    """What two reports of one change have in common: commits their id, all else the service and what it became."""
    if change.kind == COMMIT:
        return (change.kind, change.reference)
    return (change.kind, change.service, change.after)


def _same(one: Change, other: Change) -> bool:
    """Whether two alike changes of different sources are one."""
    if one.source == other.source:
        return False
    if one.kind == COMMIT:
        return bool(one.reference)
    agree = not one.reference or not other.reference or one.reference == other.reference
    return bool(one.after) and agree and abs(one.at - other.at) <= SAME


def _joined(one: Change, other: Change) -> Change:
    """The earlier one, filled in with what only the other says."""
    names = ("service", "actor", "before", "after", "detail", "reference", "text", "paths")
    filled = {name: getattr(one, name) or getattr(other, name) for name in names}
    return one.model_copy(update={**filled, "source": ", ".join(filter(None, (one.source, other.source)))})
