"""Earlier windows that the analysed one is compared with."""

from __future__ import annotations

from datetime import timedelta

from core.models import Window

MAX_REFERENCES = 24


def reference_windows(window: Window, baseline: Window, given: tuple[Window, ...] = ()) -> tuple[Window, ...]:
    """Those that are given; else the baseline cut into windows of the same length, oldest first.

    The cut begins at the baseline's end, so that the remainder that is left out is the oldest part; a baseline that is
    shorter than the window is one reference. At most `MAX_REFERENCES`, the newest.
    """
    if given:
        return given
    if baseline.seconds <= 0:
        return ()
    length = timedelta(seconds=window.seconds)
    count = min(int(baseline.seconds // window.seconds), MAX_REFERENCES) if window.seconds > 0 else 0
    if count == 0:
        return (baseline,)
    return tuple(
        Window(start=baseline.end - (k + 1) * length, end=baseline.end - k * length) for k in reversed(range(count))
    )
