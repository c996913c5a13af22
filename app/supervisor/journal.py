"""What the supervisor remembers across its own restarts: actions by key, changes, and releases.

A file of JSON lines, each synced to disk before the next step is taken. A line that was cut by a crash is ignored; old
lines are dropped when the file is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from clients.jsonlines import JsonLines
from clients.processes.wire import ActionRecord
from core.models import Change, Model, Utc, Window

KEPT_RECORDS = 5000
KEPT_CHANGES = 5000
RELEASE_KINDS = ("deploy", "rollback")


class Standing(Model):
    """What is to run of a process.

    Attributes:
        declared: release that quell.yaml named at the time.
        release: that runs.
        previous: that ran before.
        replicas: numbers of those that are to run; empty in what an older Quell wrote.
        declared_replicas: how many quell.yaml named at the time; None for what is no group.
    """

    process: str
    declared: str = ""
    release: str = ""
    previous: str = ""
    replicas: tuple[int, ...] = ()
    declared_replicas: int | None = None


class Entry(Model):
    """One line; exactly one field is set."""

    since: Utc | None = None
    record: ActionRecord | None = None
    change: Change | None = None
    standing: Standing | None = None


class Journal:
    """The journal in memory, in step with its file. Open it with `open`."""

    def __init__(self, path: Path, since: Utc) -> None:
        self._file = JsonLines(path, Entry, "the supervisor's journal")
        self.since = since
        self._records: dict[str, ActionRecord] = {}
        self._changes: list[Change] = []
        self._standings: dict[str, Standing] = {}

    @classmethod
    def open(cls, path: Path, now: Utc) -> Self:
        """Read the file, or begin one.

        Raises:
            StoreUnavailable: it cannot be read or written.
        """
        journal = cls(path, now)
        for entry in journal._file.read():
            journal._apply(entry)
        journal._shrink()
        journal._rewrite()
        return journal

    def record(self, key: str) -> ActionRecord | None:
        """What is known of an action."""
        return self._records.get(key)

    def unfinished(self) -> Sequence[ActionRecord]:
        """Actions that were begun and have no outcome."""
        return [record for record in self._records.values() if record.outcome is None]

    def changes(self, process: str, window: Window) -> Sequence[Change]:
        """Changes of a process with ``start <= at < end``, oldest first."""
        return [c for c in self._changes if c.service == process and window.start <= c.at < window.end]

    def standing(self, process: str) -> Standing | None:
        """The releases of a process; None when it was never seen."""
        return self._standings.get(process)

    def add(self, item: ActionRecord | Change | Standing) -> None:
        """Remember something; returns when it is on disk.

        Raises:
            StoreUnavailable: it cannot be written; nothing is remembered.
        """
        entry = _entry(item)
        self._file.append([entry])
        self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        if entry.since is not None:
            self.since = entry.since
        elif entry.record is not None:
            self._records[entry.record.request.key] = entry.record
        elif entry.change is not None:
            self._changes.append(entry.change)
        elif entry.standing is not None:
            self._standings[entry.standing.process] = entry.standing

    def _shrink(self) -> None:
        del self._changes[:-KEPT_CHANGES]
        dropped = list(self._records)[:-KEPT_RECORDS]
        for key in dropped:
            self.since = max(self.since, self._records.pop(key).begun_at)

    def _rewrite(self) -> None:
        items: Iterable[ActionRecord | Change | Standing] = [
            *self._records.values(),
            *self._changes,
            *self._standings.values(),
        ]
        entries = [Entry(since=self.since), *map(_entry, items)]
        self._file.rewrite(entries)


def _entry(item: ActionRecord | Change | Standing) -> Entry:
    if isinstance(item, ActionRecord):
        return Entry(record=item)
    return Entry(change=item) if isinstance(item, Change) else Entry(standing=item)
