"""When something began, and how well that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.frames import Floats


@dataclass(frozen=True, slots=True)
class Onset:
    """The first unusual sample.

    Attributes:
        at: its time, seconds since the epoch.
        uncertainty_seconds: distance to the usual sample before it: the truth lies in between.
    """

    at: float
    uncertainty_seconds: float


def find_onset(
    times: Floats, unusual: npt.NDArray[np.bool_], window_start: float, min_run: int
) -> tuple[int, Onset] | None:
    """Where the first run of unusual samples in the window began, with its index; None without unusual samples.

    A run has at least `min_run` samples; when no run is that long the first unusual sample counts. A run that
    reaches back over the start of the window is followed to its beginning.

    Args:
        times: sorted, shape ``(n,)``, seconds since the epoch.
        unusual: shape ``(n,)``.
    """
    candidates = np.flatnonzero(unusual & (times >= window_start))
    if candidates.size == 0:
        return None
    runs = [i for i in candidates if unusual[i : i + min_run].all() and i + min_run <= times.size]
    index = int(runs[0] if runs else candidates[0])
    while index > 0 and unusual[index - 1]:
        index -= 1
    gap = float(times[index] - times[index - 1]) if index > 0 else 0.0
    return index, Onset(float(times[index]), gap)
