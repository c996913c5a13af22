"""Between two close looks, a signal costs the watcher its new samples only, O(1) each, as long as they are as ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from analysis.series.streaming import StreamScorer
from analysis.view import SignalFrame
from core.frames import Floats
from core.models import Signal, Window

Key = tuple[str, Signal]
"""Name of a service, and one of its signals."""

REMARKABLE = 2.5
"""Mean absolute residuals, 2 standard deviations of normal noise: less than what an unusual sample must be off by."""


class Calm:
    """Knows what is usual for many signals, and which of them therefore need no close look now.

    Args:
        keys: the signals.
        at_least_every_seconds: a signal is looked at closely that often whatever its samples are like.
        step_seconds: distance of two samples.
    """

    def __init__(self, keys: Iterable[Key], at_least_every_seconds: float, step_seconds: float) -> None:
        self._columns = {key: column for column, key in enumerate(keys)}
        self._scorer = StreamScorer(len(self._columns))
        self._between = timedelta(seconds=at_least_every_seconds)
        self._step = timedelta(seconds=step_seconds)
        self._looked: dict[Key, datetime] = {}
        self._since: dict[Key, datetime] = {}

    def unseen(self, key: Key, now: datetime) -> Window | None:
        """The time whose samples would tell whether the signal is calm; None when it is due for a close look anyway.

        It is a whole number of steps long, so that its last sample is of now.
        """
        column, looked, since = self._columns.get(key), self._looked.get(key), self._since.get(key)
        if column is None or looked is None or since is None or now - looked >= self._between:
            return None
        if not self._scorer.warm[column] or since >= now:
            return None
        return Window(start=now - (now - since) // self._step * self._step, end=now)

    def looked(self, frames: Mapping[Key, SignalFrame], now: datetime, *, suspected: Iterable[Key] = ()) -> None:
        """Learn from close looks; of what is suspected nothing is learned, or a fault would become usual."""
        doubtful = set(suspected)
        mine = {key: frame for key, frame in frames.items() if key in self._columns}
        for key in mine:
            self._looked[key] = now
        self._learn({key: frame for key, frame in mine.items() if key not in doubtful}, now)
        self._since.update(dict.fromkeys(doubtful & set(mine), now))

    def calm(self, frames: Mapping[Key, SignalFrame], now: datetime) -> set[Key]:
        """Signals that have new samples, all of them as ever; they are learned."""
        most, samples = self._learn(frames, now)
        return {key for key in frames if samples[self._columns[key]] and most[self._columns[key]] < REMARKABLE}

    def _learn(self, frames: Mapping[Key, SignalFrame], now: datetime) -> tuple[Floats, npt.NDArray[np.intp]]:
        """Largest deviation and number of the new samples of each column, both shape ``(columns,)``."""
        rows = max((frame.times.size for frame in frames.values()), default=0)
        times, values = (np.full((rows, len(self._columns)), np.nan) for _ in range(2))
        for key, frame in frames.items():
            size = frame.times.size
            times[:size, self._columns[key]], values[:size, self._columns[key]] = frame.times, frame.values
            self._since[key] = now
        most = np.zeros(len(self._columns))
        for row in range(rows):
            scores = self._scorer.ingest(times[row : row + 1], values[row : row + 1])[0]
            new = np.isfinite(values[row])
            deviation = np.where(scores > 0, np.inf, self._scorer.deviations)
            most = np.where(new, np.maximum(most, deviation), most)
        return most, np.isfinite(values).sum(axis=0)
