"""Prometheus' wire format of range vectors, which Loki shares: series of ``[seconds, "value"]`` pairs.

https://prometheus.io/docs/prometheus/latest/querying/api/#range-vectors
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import SourceRejected
from core.frames import Floats, Frame
from core.models import Window

MAX_POINTS = 11_000
"""Points a series that Prometheus and Loki answer at most to one query."""

_NAME = "__name__"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a grid that one request may ask for; times in milliseconds since the epoch."""

    first_column: int
    start_milliseconds: int
    end_milliseconds: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A query's grid in the whole milliseconds that servers count in."""

    window: Window
    step_seconds: float
    start_milliseconds: int
    step_milliseconds: int
    columns: int

    @classmethod
    def of(cls, window: Window, step_seconds: float) -> Grid:
        """The grid that a window and a step ask for.

        Raises:
            SourceRejected: the step is no whole number of milliseconds.
        """
        step = round(step_seconds * 1000)
        if step < 1 or abs(step - step_seconds * 1000) > 1e-6:
            raise SourceRejected(
                f"a step of {step_seconds!r} s is no whole number of milliseconds", fix="round step_seconds"
            )
        columns = Frame.empty(window, step_seconds).values.shape[1]
        return cls(window, step_seconds, round(window.start.timestamp() * 1000), step, columns)

    def pieces(self, max_points: int = MAX_POINTS) -> list[Piece]:
        """The grid cut where a server's limit of points demands it; no column is in two pieces or in none."""
        return [
            Piece(first, self._at(first), self._at(min(first + max_points, self.columns) - 1))
            for first in range(0, self.columns, max_points)
        ]

    def frame(self, results: Sequence[Sequence[Any]]) -> Frame:
        """Join the series of all pieces on the grid.

        Args:
            results: the `result` of each answer.

        Raises:
            ValueError, TypeError, LookupError, AttributeError: an answer is not in the format.
        """
        rows: dict[tuple[tuple[str, str], ...], int] = {}
        read = [(_labels(series), *self._points(series)) for result in results for series in result]
        for labels, _, _ in read:
            rows.setdefault(labels, len(rows))
        values = np.full((len(rows), self.columns), np.nan)
        for labels, at, points in read:
            values[rows[labels], at] = points
        return Frame(self.window.start.timestamp(), self.step_seconds, tuple(dict(labels) for labels in rows), values)

    def _points(self, series: Any) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int64]], Floats]:
        """Columns and values of one series; native histograms have neither."""
        pairs = series.get("values", ())
        times = np.array([pair[0] for pair in pairs], dtype=np.float64)
        points = np.array([pair[1] for pair in pairs], dtype=np.float64)
        columns = np.rint((times * 1000 - self.start_milliseconds) / self.step_milliseconds).astype(np.int64)
        inside = (columns >= 0) & (columns < self.columns)
        return columns[inside], points[inside]

    def _at(self, column: int) -> int:
        return self.start_milliseconds + column * self.step_milliseconds


def seconds(milliseconds: int) -> str:
    """Milliseconds as decimal seconds, without the error of a float."""
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def _labels(series: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(name), str(value)) for name, value in series["metric"].items() if name != _NAME))
