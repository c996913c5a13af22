"""A file of JSON lines that outlives crashes: `append` returns when a line is on disk, one that was cut is ignored."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog
from pydantic import ValidationError

from core.errors import StoreUnavailable
from core.models import Model

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=Model)


class JsonLines(Generic[M]):
    """One file of one model.

    Args:
        path: the file; its folder is made when it is first written.
        model: what each line holds.
        what: what the file is, for errors: "the journal of ...".
    """

    def __init__(self, path: Path, model: type[M], what: str) -> None:
        self._path = path
        self._model = model
        self._what = what

    def read(self) -> list[M]:
        """All lines that can be read; a file that does not exist has none.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        try:
            lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        except OSError as error:
            raise self._unusable(error) from error
        entries: list[M] = []
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                entries.append(self._model.model_validate_json(line))
            except ValidationError:
                log.warning("journal_line_unreadable", path=str(self._path), line=number)
        return entries

    def append(self, entries: Sequence[M]) -> None:
        """Add lines; returns when they are on disk.

        Raises:
            StoreUnavailable: the file cannot be written.
        """
        if not entries:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                # The line before may have been cut by a crash: a fresh line begins with its own line feed.
                file.writelines("\n" + entry.model_dump_json(exclude_none=True) for entry in entries)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unusable(error) from error

    def rewrite(self, entries: Iterable[M]) -> None:
        """Replace all lines at once, by a rename.

        Raises:
            StoreUnavailable: the file cannot be written; the old one is untouched.
        """
        temporary = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(entry.model_dump_json(exclude_none=True) + "\n" for entry in entries)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self._what} {self._path} cannot be used: {error.strerror}",
            fix="check free space and permissions of data_dir",
        )
