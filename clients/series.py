"""Bounded memory for series: one column a scrape round, one row a series, rows in blocks that are never copied."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import SourceRejected
from core.frames import Floats

NAME = "__name__"
BLOCK_ROWS = 256
"""Rows that are allocated together: memory grows by steps, and growing copies nothing."""

SeriesKey = tuple[tuple[str, str], ...]


def series_key(name: str, labels: Mapping[str, str]) -> SeriesKey:
    """The identity of a series."""
    return ((NAME, name), *sorted(labels.items()))


@dataclass(frozen=True, slots=True)
class History:
    """Samples of some series.

    Attributes:
        keys: one a row.
        times: ascending, seconds since the epoch, shape ``(columns,)``.
        values: shape ``(len(keys), columns)``; NaN where a round brought no sample of the series.
    """

    keys: tuple[SeriesKey, ...]
    times: Floats
    values: Floats


class SeriesRing:
    """A ring of scrape rounds.

    A round that brought no sample of a series leaves NaN, so a series ends the moment its target does. Rows are
    allocated as series appear; a row that stayed empty for a whole turn of the ring is given to another series.

    Args:
        columns: rounds that are kept.
        max_series: rows that may exist; samples of further series are dropped.
    """

    def __init__(self, columns: int, max_series: int) -> None:
        self._columns = columns
        self._max_series = max_series
        self._times = np.full(columns, np.nan)
        self._blocks: list[Floats] = []
        self._last_round: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._rows: dict[SeriesKey, int] = {}
        self._by_name: dict[str, dict[SeriesKey, int]] = {}
        self._free: list[int] = []
        self._round = 0
        self._filled = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rounds(self) -> int:
        """Rounds held."""
        return self._filled

    @property
    def keys(self) -> tuple[SeriesKey, ...]:
        """The series held."""
        return tuple(self._rows)

    @property
    def times(self) -> Floats:
        """Times of the rounds held, ascending, shape ``(rounds,)``."""
        return self._times[self._order()]

    @property
    def newest(self) -> float | None:
        """Time of the last round, seconds since the epoch."""
        return float(self._times[(self._round - 1) % self._columns]) if self._filled else None

    def begin(self, at: float) -> None:
        """Open the round of that time; rounds that lie at or after it (the wall clock was set back) are forgotten."""
        while self.newest is not None and self.newest >= at:
            self._round -= 1
            self._filled -= 1
        column = self._round % self._columns
        self._times[column] = at
        for block in self._blocks:
            block[:, column] = np.nan
        self._round += 1
        self._filled = min(self._filled + 1, self._columns)
        if len(self._rows) >= self._max_series:
            self._reclaim()

    def put(self, key: SeriesKey, value: float) -> bool:
        """Store a sample of the open round; False when there is no room for the series."""
        row = self._rows.get(key)
        if row is None:
            row = self._allocate()
            if row is None:
                return False
            self._rows[key] = row
            self._by_name.setdefault(key[0][1], {})[key] = row
        self._blocks[row // BLOCK_ROWS][row % BLOCK_ROWS, (self._round - 1) % self._columns] = value
        self._last_round[row] = self._round
        return True

    def select(
        self, name: str, equal: Mapping[str, str], regex: Mapping[str, str], start: float, end: float
    ) -> History:
        """Series of that name with these labels, in rounds with ``start <= time <= end``; a missing label is ''.

        Raises:
            SourceRejected: a pattern is not a regular expression.
        """
        try:
            patterns = {label: re.compile(pattern) for label, pattern in regex.items()}
        except re.error as error:
            raise SourceRejected(f"bad pattern in matchers_regex: {error}", fix="write an RE2 pattern") from error

        def matches(key: SeriesKey) -> bool:
            labels = dict(key)
            return all(labels.get(label, "") == value for label, value in equal.items()) and all(
                pattern.fullmatch(labels.get(label, "")) for label, pattern in patterns.items()
            )

        chosen = [(key, row) for key, row in self._by_name.get(name, {}).items() if matches(key)]
        order = self._order()
        times = self._times[order]
        order = order[np.searchsorted(times, start, "left") : np.searchsorted(times, end, "right")]
        return History(tuple(key for key, _ in chosen), self._times[order], self._gather([r for _, r in chosen], order))

    def values(self) -> Iterator[Floats]:
        """All samples, some rows after the other in the order of `keys`, rounds in order; shape ``(some, rounds)``.

        Nothing may be stored meanwhile.
        """
        rows, order = list(self._rows.values()), self._order()
        for first in range(0, len(rows), BLOCK_ROWS):
            yield self._gather(rows[first : first + BLOCK_ROWS], order)

    def load(self, history: History) -> None:
        """Play a history back; its newest rounds win where it does not fit."""
        for column in range(max(0, len(history.times) - self._columns), len(history.times)):
            self.begin(float(history.times[column]))
            values = history.values[:, column]
            for row in np.flatnonzero(~np.isnan(values)):
                self.put(history.keys[row], float(values[row]))

    def _order(self) -> npt.NDArray[np.int64]:
        return (np.arange(self._round - self._filled, self._round, dtype=np.int64)) % self._columns

    def _gather(self, rows: list[int], order: npt.NDArray[np.int64]) -> Floats:
        """Samples of those rows in those columns."""
        gathered = np.empty((len(rows), order.size))
        for index, row in enumerate(rows):
            gathered[index] = self._blocks[row // BLOCK_ROWS][row % BLOCK_ROWS].take(order)
        return gathered

    def _allocate(self) -> int | None:
        if not self._free:
            used = self._last_round.size
            more = min(BLOCK_ROWS, self._max_series - used)
            if more <= 0:
                return None
            self._blocks.append(np.full((more, self._columns), np.nan))
            self._last_round = np.concatenate([self._last_round, np.zeros(more, dtype=np.int64)])
            self._free = list(range(used + more - 1, used - 1, -1))
        return self._free.pop()

    def _reclaim(self) -> None:
        oldest = self._round - self._filled
        for key, row in list(self._rows.items()):
            if self._last_round[row] <= oldest:
                del self._rows[key]
                del self._by_name[key[0][1]][key]
                self._blocks[row // BLOCK_ROWS][row % BLOCK_ROWS] = np.nan
                self._free.append(row)
