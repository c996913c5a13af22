"""How much of the accuracy is owed to having seen the system: choices made on the others, scored on the one left out.

The patterns themselves were written with all systems in view, which no split can undo. What can be left out is the
choice of which masks to use and from how many values on a position is a parameter: for each system, masks are added one
by one while they help the mean of the other systems, then the number of values is chosen there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from analysis.logs.masks import Mask
from analysis.logs.miner import MinerConfig
from bench.logs.grouping import emitted, grouping_accuracy
from bench.logs.loghub import LabelledLog

DISTINCT_VALUES = (2, 3, 4, 6, 10)
LEAST_GAIN = 1e-4


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The choice made without a system, and its score there."""

    system: str
    config: MinerConfig
    accuracy: float


class Scores:
    """Accuracy of each configuration on each system, measured once."""

    def __init__(self, logs: list[LabelledLog]) -> None:
        self._logs = {log.system: log for log in logs}
        self._known: dict[tuple[MinerConfig, str], float] = {}

    def of(self, config: MinerConfig, system: str) -> float:
        """Grouping accuracy, 0..1."""
        key = (config, system)
        if key not in self._known:
            log = self._logs[system]
            self._known[key] = grouping_accuracy(log.templates, emitted(log.lines, config))
        return self._known[key]

    def mean(self, config: MinerConfig, systems: Iterable[str]) -> float:
        """Mean over systems."""
        values = [self.of(config, system) for system in systems]
        return sum(values) / len(values)


def leave_one_out(logs: list[LabelledLog]) -> list[LeftOut]:
    """One choice a system."""
    scores = Scores(logs)
    systems = [log.system for log in logs]
    found = []
    for system in systems:
        config = _chosen(scores, [other for other in systems if other != system])
        found.append(LeftOut(system, config, scores.of(config, system)))
    return found


def _chosen(scores: Scores, systems: list[str]) -> MinerConfig:
    """Forward selection of masks, then the best number of values; of equals the first."""
    best = MinerConfig(masks=frozenset())
    while left := [mask for mask in Mask if mask not in best.masks]:
        added = max(
            (replace(best, masks=best.masks | {mask}) for mask in left), key=lambda one: scores.mean(one, systems)
        )
        if scores.mean(added, systems) < scores.mean(best, systems) + LEAST_GAIN:
            break
        best = added
    return max((replace(best, distinct_values=n) for n in DISTINCT_VALUES), key=lambda one: scores.mean(one, systems))
