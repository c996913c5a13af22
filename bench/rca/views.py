"""Tables of numbers as the analysis sees them, and the spans of time in which it is let look."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from analysis.view import SignalFrame, SystemView
from core.errors import InvalidInput
from core.frames import Floats
from core.models import Window

MOVED_SECONDS = 60.0
"""How far the given onset is moved, both ways, to see what a wrong guess costs."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One system over time, baseline included.

    Attributes:
        frames: its series.
        starts_at: start of the baseline, seconds since the epoch.
        onset: when the fault is said to begin.
        ends_at: time of the last sample.
        symptom: service of the alert; empty when there is none.
        dependencies: who calls whom.
    """

    frames: tuple[SignalFrame, ...]
    starts_at: float
    onset: float
    ends_at: float
    symptom: str
    dependencies: dict[str, tuple[str, ...]]

    def view(self, since: float) -> SystemView:
        """The window from `since` to the end, with all that is before it as baseline."""
        since = min(max(since, self.starts_at), self.ends_at)
        return SystemView(
            symptom=self.symptom,
            window=Window(start=_utc(since), end=_utc(self.ends_at)),
            baseline=Window(start=_utc(self.starts_at), end=_utc(since)),
            signals=self.frames,
            logs=(),
            states=(),
            changes=(),
            dependencies=self.dependencies,
            topology_evidence="topology" if self.dependencies else "",
            alert_evidence="alert" if self.symptom else "",
        )


def variants(recording: Callable[[], Recording], window_seconds: float) -> dict[str, Callable[[], SystemView]]:
    """What may be known of the onset: its label, nothing but the end of the recording, or a minute off either way."""

    def since(pick: Callable[[Recording], float]) -> Callable[[], SystemView]:
        def build() -> SystemView:
            one = recording()
            return one.view(pick(one))

        return build

    return {
        "given": since(lambda one: one.onset),
        "estimated": since(lambda one: one.ends_at - window_seconds),
        "earlier": since(lambda one: one.onset - MOVED_SECONDS),
        "later": since(lambda one: one.onset + MOVED_SECONDS),
    }


def read_table(path: Path, header_rows: int = 1) -> tuple[list[tuple[str, ...]], Floats]:
    """The columns of a CSV file, as the tuples of their header cells, and its numbers, shape ``(rows, columns)``.

    Rows whose first cell is no number are taken for further header rows and left out; empty cells are NaN.

    Raises:
        InvalidInput: the file is no table of numbers.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    body = [row for row in rows[header_rows:] if _is_number(row[0])]
    if not body or any(len(row) != len(rows[0]) for row in body):
        raise InvalidInput("no table of numbers", path=str(path), fix="unpack the data pack again")
    values = np.array([[float(cell) if cell else np.nan for cell in row] for row in body], dtype=np.float64)
    return list(zip(*rows[:header_rows], strict=True)), values


def numbered(folders: Sequence[Path]) -> list[Path]:
    """Folders whose names end in a number, by that number; others by name before them."""
    return sorted(folders, key=lambda folder: (*_number(folder.name), folder.name))


def _number(name: str) -> tuple[int, int]:
    digits = name[len(name.rstrip("0123456789")) :]
    return (1, int(digits)) if digits else (0, 0)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _utc(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)
