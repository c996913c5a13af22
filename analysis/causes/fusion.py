"""Families of evidence joined into one ranked list of services, by contrast instead of by rank.

Scores of two families do not compare, and ranks hide how clear a family is: one in which every service stands out a
little must not outvote one in which a single service stands out by far. A family therefore speaks as loudly as its
leader stands above its runner-up, and gives each service the share of that voice that its score has of the leader's:

    contrast(family)  = 1 - second score / first score       1 when only one service is marked
    weight(service)   = score / first score x (TIED + (1 - TIED) x contrast)
    fused(service)    = noisy-or over families of trust(family) x weight(service)

A family that is silent says nothing about anybody: it neither helps nor hurts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.causes.confidence import Clue, contrast, strength
from analysis.causes.families.reading import FamilyReading, Mark

TIED = 0.6
"""What the voice of a family is worth whose leader is as high as its runner-up: it still points at both."""

DIGITS = 6
"""Scores are compared to so many decimals, as their last bits differ between CPUs."""


@dataclass(frozen=True, slots=True)
class Fused:
    """One service with what all families say of it.

    Attributes:
        score: 0..1, all families together.
        clues: one a family that marked it, strongest first.
        marks: the marks behind the clues, in the same order.
    """

    service: str
    score: float
    clues: tuple[Clue, ...]
    marks: tuple[Mark, ...]


def fuse(readings: Sequence[FamilyReading]) -> tuple[Fused, ...]:
    """Every marked service, highest score first; ties stay in the order in which the families name them."""
    said: dict[str, list[tuple[Clue, Mark]]] = {}
    for reading in readings:
        for clue, mark in _voice(reading):
            said.setdefault(mark.service, []).append((clue, mark))
    fused = []
    for service, pairs in said.items():
        pairs.sort(key=lambda pair: -round(pair[0].strength, DIGITS))
        clues = tuple(clue for clue, _ in pairs)
        fused.append(Fused(service, strength(clues), clues, tuple(mark for _, mark in pairs)))
    return tuple(sorted(fused, key=lambda one: -round(one.score, DIGITS)))


def _voice(reading: FamilyReading) -> list[tuple[Clue, Mark]]:
    """The best mark of every service that the family names, with what it is worth within the family."""
    best: dict[str, Mark] = {}
    for mark in reading.marks:
        if mark.score > 0 and (mark.service not in best or _worth(mark) > _worth(best[mark.service])):
            best[mark.service] = mark
    scores = sorted((mark.score for mark in best.values()), reverse=True)
    if not scores:
        return []
    voice = TIED + (1 - TIED) * contrast(scores[0], scores[1] if len(scores) > 1 else 0.0)
    return [
        (Clue(reading.family, voice * mark.strength * mark.score / scores[0], mark.evidence, onset=mark.onset), mark)
        for mark in best.values()
    ]


def _worth(mark: Mark) -> float:
    """What decides between two marks of one service in one family."""
    return mark.score * mark.strength
