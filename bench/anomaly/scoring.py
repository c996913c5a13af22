"""The scoring rules of the Numenta Anomaly Benchmark.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms" (2015), https://arxiv.org/abs/1510.03336, as
https://github.com/numenta/NAB applies them: the earliest alarm in a labelled window earns most, a window without an
alarm costs, and so does every alarm outside. One threshold serves all series; it is the one that scores best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
import numpy.typing as npt

from core.frames import Floats

PROBATION_SHARE = 0.15
PROBATION_ROWS = 750
STEEPNESS = 5.0
FAR_BEHIND = 3.0  # this many window widths after a window, a false alarm costs its full weight
NO_ALARM = float("inf")  # a threshold above every score


@dataclass(frozen=True, slots=True)
class Profile:
    """What a kind of user makes of right and wrong alarms (`config/profiles.json`)."""

    true_positive: float
    false_positive: float
    false_negative: float


@dataclass(frozen=True, slots=True)
class Labels:
    """What an alarm at each row of one series is worth before weighting; rows in probation are left out.

    Attributes:
        rows: indices of the rows that count, shape ``(n,)``.
        window: which window holds the row, -1 for none, shape ``(n,)``.
        worth: 0..1 in a window, early is better; -1..0 outside; shape ``(n,)``.
    """

    rows: npt.NDArray[np.intp]
    window: npt.NDArray[np.intp]
    worth: Floats


@dataclass(frozen=True, slots=True)
class Sweep:
    """Raw scores of every threshold that makes a difference, highest threshold first, each shape ``(k,)``."""

    thresholds: Floats
    scores: Floats

    def best(self) -> tuple[float, float]:
        """The threshold that scores best, and its raw score; the highest of equals."""
        index = int(np.argmax(self.scores))
        return float(self.thresholds[index]), float(self.scores[index])

    def at(self, threshold: float) -> float:
        """The raw score when every row of at least this score is an alarm."""
        return float(self.scores[int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1])


def scaled_sigmoid(position: Floats) -> Floats:
    """Worth of an alarm by its place, in window widths: -1 at the window's first row, 0 at its end, 1 a width later."""
    return np.where(
        position >= FAR_BEHIND, -1.0, 2.0 / (1.0 + np.exp(STEEPNESS * np.minimum(position, FAR_BEHIND))) - 1
    )


def probation(rows: int) -> int:
    """How many rows at the start of a series are not scored."""
    return min(floor(PROBATION_SHARE * rows), PROBATION_ROWS)


def label(rows: int, windows: Sequence[tuple[int, int]]) -> Labels:
    """Worth of an alarm at each row of a series.

    Args:
        rows: length of the series.
        windows: first and last row of each labelled window, in order, not overlapping.
    """
    index = np.arange(rows)
    window, position = np.full(rows, -1), np.full(rows, FAR_BEHIND)
    for number, (first, last) in enumerate(windows):
        width = last - first + 1
        window[first : last + 1] = number
        position[first : last + 1] = -(last - index[first : last + 1] + 1) / width
        position[last + 1 :] = (index[last + 1 :] - last) / max(width - 1, 1)
    worth = scaled_sigmoid(position)
    worth[window >= 0] /= scaled_sigmoid(np.array([-1.0]))[0]
    kept = index[probation(rows) :]
    return Labels(kept, window[kept], worth[kept])


def sweep(scores: Sequence[Floats], labels: Sequence[Labels], profile: Profile) -> Sweep:
    """The raw score at every threshold, all series together.

    Args:
        scores: of each series, shape ``(rows,)``, finite.
        labels: of each series.
    """
    kept = [score[one.rows] for score, one in zip(scores, labels, strict=True)]
    gains = [_gains(score, one, profile) for score, one in zip(kept, labels, strict=True)]
    missed = sum(np.unique(one.window[one.window >= 0]).size for one in labels)
    flat = np.concatenate([np.empty(0), *kept])
    order = np.argsort(-flat, kind="stable")
    total = np.cumsum(np.concatenate([np.empty(0), *gains])[order]) - profile.false_negative * missed
    last_of_equals = np.flatnonzero(np.append(np.diff(flat[order]) != 0, True)[: flat.size])
    thresholds = np.append(NO_ALARM, flat[order][last_of_equals])
    return Sweep(thresholds, np.append(-profile.false_negative * missed, total[last_of_equals]))


def normalise(raw: float, windows: int, profile: Profile) -> float:
    """Points: 0 for a detector that never alarms, 100 for one that alarms at the start of every window only."""
    if windows == 0:
        return 0.0
    null, perfect = -profile.false_negative * windows, profile.true_positive * windows
    return 100.0 * (raw - null) / (perfect - null)


def _gains(scores: Floats, labels: Labels, profile: Profile) -> Floats:
    """What each row adds to the raw score when the threshold falls to its score, rows of higher scores being alarms."""
    gains = labels.worth * profile.false_positive
    for number in np.unique(labels.window[labels.window >= 0]):
        rows = np.flatnonzero(labels.window == number)
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        reached = np.maximum.accumulate(labels.worth[rows] * profile.true_positive)
        gains[rows] = np.diff(np.append(-profile.false_negative, reached))
    return gains
