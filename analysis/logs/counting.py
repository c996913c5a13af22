"""Templates while they are counted, one number a window, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from analysis.logs.miner import OVERFLOW_ID, Template
from analysis.logs.reader import LogReader
from core.frames import LogLine
from core.models import Severity

MAX_EXAMPLES = 3
MAX_EXAMPLE_CHARACTERS = 300
MAX_ROWS_PER_TEMPLATE = 4


@dataclass(slots=True)
class Row:
    """A template while it is being counted, one number a window."""

    template: Template
    severity: Severity
    lines: list[int]
    examples: list[str] = field(default_factory=list)
    first_at: datetime | None = None

    def add(self, line: LogLine, trace: str, inside: tuple[int, ...]) -> None:
        """Count a line; an example of the analysed window replaces those of earlier ones."""
        for index in inside:
            self.lines[index] += 1
        now = inside[0] == 0
        if now and (self.first_at is None or line.at < self.first_at):
            if self.first_at is None:
                self.examples.clear()
            self.first_at = line.at
        if len(self.examples) < MAX_EXAMPLES and (now or self.first_at is None):
            self.examples.append((trace or line.text)[:MAX_EXAMPLE_CHARACTERS])

    def join(self, other: Row) -> None:
        """Take over the lines of a template that turned out to be the same."""
        self.lines = [one + more for one, more in zip(self.lines, other.lines, strict=True)]
        if other.first_at is not None and (self.first_at is None or other.first_at < self.first_at):
            self.first_at, self.examples = other.first_at, other.examples


class Rows:
    """Counts by operation, template and severity; those of templates that were given up are joined in time."""

    def __init__(self, reader: LogReader, windows: int) -> None:
        self._reader = reader
        self._windows = windows
        self._rows: dict[tuple[str, int, Severity], Row] = {}
        self._limit = MAX_ROWS_PER_TEMPLATE * reader.miner.config.max_templates

    def add(self, operation: str, line: LogLine, trace: str, inside: tuple[int, ...]) -> None:
        """Count one line in the windows that hold it."""
        template, severity = self._reader.read(line, trace)
        key = (operation, template.id, severity)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= self._limit:
                self._rows = self._joined()
                if len(self._rows) >= self._limit:
                    key, template = ("", OVERFLOW_ID, severity), self._reader.miner.overflow
            row = self._rows.setdefault(key, Row(template, severity, [0] * self._windows))
        row.add(line, trace, inside)

    def final(self) -> list[tuple[str, Row]]:
        """Operation and row of every template as it stands at the end."""
        return [(operation, row) for (operation, _, _), row in self._joined().items()]

    def _joined(self) -> dict[tuple[str, int, Severity], Row]:
        rows: dict[tuple[str, int, Severity], Row] = {}
        for (operation, _, severity), row in self._rows.items():
            row.template = self._reader.miner.resolve(row.template)
            kept = "" if row.template.id == OVERFLOW_ID else operation
            key = (kept, row.template.id, severity)
            if key in rows:
                rows[key].join(row)
            else:
                rows[key] = row
        return rows
