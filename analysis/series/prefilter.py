"""Which of many series are worth a close look: those that left their normal anywhere in the analysed window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from analysis.config import AnalysisConfig
from analysis.series.baselines import Baseline, clean, normal_for
from analysis.series.scoring import Normals, score
from analysis.view import SignalFrame
from core.models import Signal, Window

SILENT_STEPS = 3
"""A series without samples for this many steps may have ended."""


def worth_a_look(
    frames: Sequence[SignalFrame], window: Window, baseline: Window, config: AnalysisConfig
) -> tuple[bool, ...]:
    """One answer a frame; all that share their times are scored at once.

    What cannot be judged here is worth a look: `up`, which needs no normal, series that may have ended, that have too
    short a normal, or whose samples are out of order.
    """
    worth = [True] * len(frames)
    together: defaultdict[bytes, list[tuple[int, Baseline]]] = defaultdict(list)
    for index, frame in enumerate(frames):
        normal = _judged_by(frame, window, baseline, config)
        if normal is not None:
            together[frame.times.tobytes()].append((index, normal))
    for group in together.values():
        rows = [index for index, _ in group]
        times = frames[rows[0]].times
        known = times <= window.end.timestamp()
        values = np.stack([frames[row].values for row in rows])[:, known]
        scores = score(
            times[known], values, Normals.of([one for _, one in group]), window.start.timestamp(), config.max_z
        )
        for row, beyond in zip(rows, scores.beyond(config.robust_z), strict=True):
            worth[row] = bool(beyond)
    return tuple(worth)


def _judged_by(frame: SignalFrame, window: Window, baseline: Window, config: AnalysisConfig) -> Baseline | None:
    """The normal by which the scores can tell; None when they cannot."""
    if frame.signal is Signal.UP or not np.isfinite(frame.times).all() or (np.diff(frame.times) <= 0).any():
        return None
    times, values = clean(frame)
    inside = times <= window.end.timestamp()
    times, values = times[inside], values[inside]
    silent_from = window.end.timestamp() - SILENT_STEPS * config.step_seconds
    if not times.size or times[-1] < silent_from:
        return None
    normal = normal_for(frame, times, values, baseline, window, config)
    return normal if normal is not None and normal.samples >= config.min_baseline_samples else None
