"""Labelled incidents made harder: telemetry goes missing, as it does in systems that nobody instrumented for a contest.

On whole recordings nearly every first hypothesis of the public data sets is right, so they alone say nothing of how
sure a wrong one looks. Each case is therefore also seen with half and a quarter of its telemetry, and with nothing at
all of the culprit, where being right is luck. What is kept is drawn by position, never by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from analysis.view import SystemView

T = TypeVar("T")

AS_SEEN = "whole"
"""The hardship that is none."""


@dataclass(frozen=True, slots=True)
class Hardship:
    """One way to see a case.

    Attributes:
        change: the view, the culprit's name and a seed in; a poorer view out.
    """

    name: str
    change: Callable[[SystemView, str, int], SystemView]


def thinned(view: SystemView, share: float, seed: int) -> SystemView:
    """The view with each series, log, trace, state and change kept with that probability."""
    random = np.random.default_rng(seed)

    def some(items: Sequence[T]) -> tuple[T, ...]:
        return tuple(item for item, draw in zip(items, random.uniform(size=len(items)), strict=True) if draw < share)

    return replace(
        view,
        signals=some(view.signals),
        logs=some(view.logs),
        traces=some(view.traces),
        states=some(view.states),
        changes=some(view.changes),
    )


def blind(view: SystemView, service: str) -> SystemView:
    """The view without anything that this service itself says; its callers still tell what they see of it."""
    return replace(
        view,
        signals=tuple(one for one in view.signals if one.service != service),
        logs=tuple(one for one in view.logs if one.service != service),
        traces=tuple(one for one in view.traces if one.service != service),
        states=tuple(one for one in view.states if one.state.service != service),
        changes=tuple(one for one in view.changes if one.change.service != service),
    )


HARDSHIPS = (
    Hardship(AS_SEEN, lambda view, culprit, seed: view),
    Hardship("half", lambda view, culprit, seed: thinned(view, 0.5, seed)),
    Hardship("quarter", lambda view, culprit, seed: thinned(view, 0.25, seed)),
    Hardship("blind", lambda view, culprit, seed: blind(view, culprit)),
)
