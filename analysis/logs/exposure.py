"""How much of a service there was in each window: which windows hold a moment, how often each operation ran."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime

from core.models import Window


class Segments:
    """Time cut at the borders of all windows, so that a search tells which windows a moment lies in."""

    def __init__(self, window: Window, references: Sequence[Window]) -> None:
        windows = (window, *references)
        self._end = window.end
        self._borders = sorted({moment for one in windows for moment in (one.start, one.end)})
        self._inside = [(), *(self._of(start, windows) for start in self._borders)]

    @staticmethod
    def _of(start: datetime, windows: Sequence[Window]) -> tuple[int, ...]:
        return tuple(index for index, one in enumerate(windows) if one.start <= start < one.end)

    def windows(self, at: datetime) -> tuple[int, ...]:
        """Indices of the windows that hold a moment: 0 is the analysed one, which includes its end."""
        if at == self._end:
            return (0,)
        return self._inside[bisect_right(self._borders, at)]


class Exposures:
    """How much of each operation there was in each window: executions, or seconds for lines without one."""

    def __init__(
        self,
        window: Window,
        references: Sequence[Window],
        spoke: Sequence[bool],
        executions: Mapping[str, Sequence[int]],
    ) -> None:
        self.seconds = tuple(one.seconds for one in (window, *references))
        silent = not any(spoke[1:])
        heard = tuple(
            seconds if index == 0 or silent or spoke[index] else 0.0 for index, seconds in enumerate(self.seconds)
        )
        self._of: dict[str, Sequence[float]] = {"": heard, **executions}

    def of(self, operation: str) -> Sequence[float]:
        """The window's, then those of the references."""
        return self._of.get(operation) or self.seconds
