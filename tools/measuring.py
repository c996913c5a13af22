"""One signal of one service as numbers: asked of a metrics source, joined where it is a ratio of two."""

from __future__ import annotations

import numpy as np

from core.frames import Floats, Frame
from core.models import Window
from core.ports import MetricsSource
from tools.signals import SignalSpec


async def measure(
    metrics: MetricsSource,
    spec: SignalSpec,
    labels: dict[str, str],
    window: Window,
    *,
    step_seconds: float,
    rate_window_seconds: float,
) -> tuple[Floats, Floats]:
    """Times and values of the signal over the window, each shape ``(columns,)``; NaN where it has no sample.

    Raises:
        SourceError: the source did not answer.
    """

    async def ask(pattern: dict[str, str] | None = None) -> Frame:
        return await metrics.query(
            spec.query(
                labels, window, step_seconds=step_seconds, rate_window_seconds=rate_window_seconds, pattern=pattern
            )
        )

    whole = await ask()
    values = _row(whole)
    if not spec.part:
        return whole.times, values
    for pattern in spec.part:  # the first alternative that selects any series
        part = await ask(pattern)
        if part.labels:
            return whole.times, _share(part, values)
    return whole.times, _share(None, values)


def _row(frame: Frame) -> Floats:
    """The one series of an aggregated answer, shape ``(columns,)``."""
    return frame.values[0] if frame.labels else np.full(frame.values.shape[1], np.nan)


def _share(part: Frame | None, whole: Floats) -> Floats:
    """Part of the whole, 0..1: 0 where the part has no sample, NaN where there is no whole to be a part of."""
    selected = np.zeros_like(whole) if part is None else np.nan_to_num(_row(part), nan=0.0)
    positive = np.where(whole > 0, whole, np.nan)
    return np.clip(selected / positive, 0.0, 1.0)
