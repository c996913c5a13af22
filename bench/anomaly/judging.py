"""What detectors' scores of the whole corpus are worth, in points: 0 for silence, 100 for perfection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.anomaly.corpus import Corpus, LabelledSeries
from bench.anomaly.scoring import Labels, Profile, Sweep, normalise, sweep
from core.frames import Floats


@dataclass(frozen=True, slots=True)
class Alarms:
    """What a threshold makes of one series, probation left out.

    Attributes:
        found: labelled windows with at least one alarm.
        windows: labelled windows.
        false: alarms outside of every window; each row counts.
    """

    found: int
    windows: int
    false: int


def points(corpus: Corpus, scores: Sequence[Floats], profile: Profile) -> tuple[float, float]:
    """Points with the threshold that is best for all series together, and that threshold."""
    threshold, raw = _sweep(corpus.series, scores, profile).best()
    return normalise(raw, corpus.windows(), profile), threshold


def points_at(corpus: Corpus, scores: Sequence[Floats], profile: Profile, threshold: float) -> float:
    """Points with a given threshold."""
    return normalise(_sweep(corpus.series, scores, profile).at(threshold), corpus.windows(), profile)


def points_of(category: str, corpus: Corpus, scores: Sequence[Floats], profile: Profile, threshold: float) -> float:
    """Points that a threshold gets on one category; its raw score, 0 or less, where nothing is labelled."""
    series, own = _split(corpus, scores, category, own=True)
    raw, windows = _sweep(series, own, profile).at(threshold), sum(len(one.windows) for one in series)
    return normalise(raw, windows, profile) if windows else raw + 0.0


def left_out(corpus: Corpus, candidates: Sequence[Sequence[Floats]], profile: Profile) -> float:
    """Points when each category is judged with the candidate and the threshold that are best for all the others."""
    total = 0.0
    for category in corpus.categories():
        best = [_sweep(*_split(corpus, scores, category, own=False), profile).best() for scores in candidates]
        chosen = max(range(len(best)), key=lambda number: best[number][1])
        total += _sweep(*_split(corpus, candidates[chosen], category, own=True), profile).at(best[chosen][0])
    return normalise(total, corpus.windows(), profile)


def alarms(labels: Labels, scores: Floats, threshold: float) -> Alarms:
    """Which windows of one series a threshold finds, and how often it is wrong."""
    raised = labels.window[scores[labels.rows] >= threshold]
    windows = np.unique(labels.window[labels.window >= 0]).size
    return Alarms(np.unique(raised[raised >= 0]).size, windows, int((raised < 0).sum()))


def _split(
    corpus: Corpus, scores: Sequence[Floats], category: str, *, own: bool
) -> tuple[list[LabelledSeries], list[Floats]]:
    """The series of a category, or all others, with their scores."""
    kept = [each for each in zip(corpus.series, scores, strict=True) if (each[0].category == category) is own]
    return [one for one, _ in kept], [score for _, score in kept]


def _sweep(series: Sequence[LabelledSeries], scores: Sequence[Floats], profile: Profile) -> Sweep:
    return sweep(scores, [one.labels for one in series], profile)
