"""Grouping accuracy: the share of messages whose group is exactly the true one.

As in logpai's benchmark (Zhu et al., "Tools and Benchmarks for Automated Log Parsing", ICSE-SEIP 2019,
https://doi.org/10.1109/ICSE-SEIP.2019.00021): one message in the wrong group makes every message of both groups wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

from analysis.logs.miner import Miner, MinerConfig


def emitted(lines: Iterable[str], config: MinerConfig | None = None) -> list[int]:
    """The id of each line as it is given at the moment the line passes; what merges later does not change it."""
    miner = Miner(config)
    return [miner.add(line).id for line in lines]


def groups(labels: Sequence[Hashable]) -> dict[Hashable, tuple[int, ...]]:
    """Positions by label."""
    positions: dict[Hashable, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        positions[label].append(position)
    return {label: tuple(found) for label, found in positions.items()}


def grouping_accuracy(truth: Sequence[Hashable], given: Sequence[Hashable]) -> float:
    """Share of messages in groups that equal a true group, 0..1; 0 of no messages."""
    formed = set(groups(given).values())
    right = sum(len(found) for found in groups(truth).values() if found in formed)
    return right / len(truth) if truth else 0.0
