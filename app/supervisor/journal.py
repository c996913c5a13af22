"""What the supervisor remembers across its own restarts: actions by key, changes, and releases.

A file of JSON lines, each synced to disk before the next step is taken. A line that was cut by a crash is ignored; old
lines are dropped when the file is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import structlog
from pydantic import ValidationError

from clients.processes.wire import ActionRecord
from core.errors import StoreUnavailable
from core.models import Change, Model, Utc, Window

log = structlog.get_logger(__name__)

KEPT_RECORDS = 5000
KEPT_CHANGES = 5000
RELEASE_KINDS = ("deploy", "rollback")


class Standing(Model):
    """Which release a process runs, which it ran before, and which one quell.yaml named at the time."""

    process: str
    declared: str = ""
    release: str = ""
    previous: str = ""


class Entry(Model):
    """One line; exactly one field is set."""

    since: Utc | None = None
    record: ActionRecord | None = None
    change: Change | None = None
    standing: Standing | None = None


class Journal:
    """The journal in memory, in step with its file. Open it with `open`."""

    def __init__(self, path: Path, since: Utc) -> None:
        self._path = path
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
        try:
            lines = path.read_bytes().splitlines() if path.exists() else []
        except OSError as error:
            raise _unwritable(path, error) from error
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                journal._apply(Entry.model_validate_json(line))
            except ValidationError:
                log.warning("journal_line_unreadable", path=str(path), line=number)
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
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n" + entry.model_dump_json(exclude_none=True))  # the line before may have been cut
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self._path, error) from error
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
        temporary = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(entry.model_dump_json(exclude_none=True) + "\n" for entry in entries)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error


def _entry(item: ActionRecord | Change | Standing) -> Entry:
    if isinstance(item, ActionRecord):
        return Entry(record=item)
    return Entry(change=item) if isinstance(item, Change) else Entry(standing=item)


def _unwritable(path: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"the supervisor's journal {path} cannot be used: {error.strerror}",
        fix="check free space and permissions of data_dir",
    )
