"""`quell bench anomaly`: the watcher's streaming scorer on the Numenta Anomaly Benchmark, one configuration for all.

The rules are checked before they are trusted: a detector that never alarms must get exactly nothing, and Windowed
Gaussian, written again, what was published for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from analysis.series.streaming import ALARM, StreamConfig, StreamScorer
from bench.anomaly import peers
from bench.anomaly.corpus import Corpus, load
from bench.anomaly.judging import alarms, left_out, points, points_at, points_of
from bench.data import pack_folder
from bench.result import BenchOptions, BenchResult, Case, Figure, Peer, figure
from core.frames import Floats

STANDARD = "standard"
NAB = "https://github.com/numenta/NAB"
PUBLISHED_GAUSSIAN = 39.65
RANDOM_SEEDS = 10
GRID = tuple(
    StreamConfig(memory_samples=memory, short_samples=short, rest_samples=int(short))
    for memory, short in product((5_000.0, 10_000.0, 20_000.0), (12.0, 24.0, 48.0))
)
"""What the parameters that matter most are chosen from when a category is left out."""


def run(options: BenchOptions) -> BenchResult:
    """Score every series, and each category with what the others would have chosen.

    Raises:
        NotFound: the data pack is not there.
        InvalidInput: labels and data do not belong together.
    """
    corpus = load(pack_folder(options.data, "nab"))
    scores = quell_scores(corpus, StreamConfig())
    threshold = points(corpus, scores, corpus.profiles[STANDARD])[1]
    return BenchResult(
        name="anomaly",
        figures=(
            *_checks(corpus),
            *_profiles(corpus, scores, floor=60.0, aim=70.0),
            *_left_out(corpus, scores),
            *_categories(corpus, scores, threshold),
        ),
        cases=_cases(corpus, scores, threshold) if options.with_cases else (),
        peers=_peers(corpus) if options.with_peers else (),
    )


def quell_scores(corpus: Corpus, config: StreamConfig) -> list[Floats]:
    """The streaming scorer's score of each row of each series; a column each, since they do not share their times."""
    rows = max((one.times.size for one in corpus.series), default=0)
    times, values = (np.full((rows, len(corpus.series)), np.nan) for _ in range(2))
    for column, one in enumerate(corpus.series):
        times[: one.times.size, column] = one.times
        values[: one.times.size, column] = one.values
    scores = StreamScorer(len(corpus.series), config).ingest(times, values)
    return [scores[: one.times.size, column] for column, one in enumerate(corpus.series)]


def _checks(corpus: Corpus) -> list[Figure]:
    """What shows that the rules are applied as the benchmark applies them."""
    profile = corpus.profiles[STANDARD]
    silence, _ = points(corpus, [peers.null(one.values) for one in corpus.series], profile)
    gaussian, _ = points(corpus, [peers.windowed_gaussian(one.values) for one in corpus.series], profile)
    gap = abs(gaussian - PUBLISHED_GAUSSIAN)
    note = f"{gaussian:.2f} here, {PUBLISHED_GAUSSIAN} published"
    return [
        figure("nab.scorer.null", silence, "points", floor=0.0, lower_is_better=True),
        figure("nab.scorer.windowed_gaussian_gap", gap, "points", floor=1.0, lower_is_better=True, note=note),
    ]


def _profiles(
    corpus: Corpus, scores: Sequence[Floats], *, floor: float | None = None, aim: float | None = None
) -> list[Figure]:
    """Points in each profile, with the threshold that is best for it; the targets are those of the standard one."""
    figures = []
    for name, profile in corpus.profiles.items():
        score, threshold = points(corpus, scores, profile)
        wanted = (floor, aim) if name == STANDARD else (None, None)
        note = f"threshold {threshold:.4g}"
        figures.append(figure(f"nab.{name}", score, "points", floor=wanted[0], aim=wanted[1], note=note))
    return figures


def _left_out(corpus: Corpus, scores: Sequence[Floats]) -> list[Figure]:
    """Points when nothing that was fitted has seen the category that it is judged on."""
    profile = corpus.profiles[STANDARD]
    choices = [quell_scores(corpus, config) for config in GRID]
    note = "a category at a time, with the threshold that is best for the others"
    plain = points_at(corpus, scores, profile, ALARM)
    return [
        figure("nab.alarm_threshold", plain, "points", note=f"the watcher's own threshold {ALARM}, fitted to nothing"),
        figure("nab.left_out.threshold", left_out(corpus, [scores], profile), "points", note=note),
        figure(
            "nab.left_out.parameters",
            left_out(corpus, choices, profile),
            "points",
            note=f"... and the best for the others of {len(GRID)} configurations",
        ),
    ]


def _categories(corpus: Corpus, scores: Sequence[Floats], threshold: float) -> list[Figure]:
    """Points by category, at the one threshold."""
    profile, figures = corpus.profiles[STANDARD], []
    for category in corpus.categories():
        windows = sum(len(one.windows) for one in corpus.series if one.category == category)
        value = points_of(category, corpus, scores, profile, threshold)
        note = f"{windows} windows" if windows else "raw: no windows, false alarms only"
        figures.append(figure(f"nab.{category}", value, "points", note=note))
    return figures


def _cases(corpus: Corpus, scores: Sequence[Floats], threshold: float) -> tuple[Case, ...]:
    """What the one threshold finds in each file."""
    cases = []
    for one, score in zip(corpus.series, scores, strict=True):
        said = alarms(one.labels, score, threshold)
        cases.append(
            Case(
                name=one.name,
                group=one.category,
                expected=f"{said.windows} windows",
                answer=f"{said.found} found, {said.false} false alarms",
                score=said.found / said.windows if said.windows else float(said.false == 0),
            )
        )
    return tuple(cases)


def _peers(corpus: Corpus) -> tuple[Peer, ...]:
    """Simple detectors on the same files under the same rules."""
    plain = {
        "null": peers.null,
        "windowed gaussian": peers.windowed_gaussian,
        "relative entropy": peers.relative_entropy,
    }
    found = [
        Peer(name=name, source=NAB, figures=tuple(_profiles(corpus, [scorer(one.values) for one in corpus.series])))
        for name, scorer in plain.items()
    ]
    return (*found, Peer(name="random", source=NAB, figures=tuple(_random(corpus))))


def _random(corpus: Corpus) -> list[Figure]:
    """Noise: the mean over seeds, since one draw may be lucky."""
    figures = []
    draws = [
        [peers.random(one.values, seed * len(corpus.series) + number) for number, one in enumerate(corpus.series)]
        for seed in range(RANDOM_SEEDS)
    ]
    for name, profile in corpus.profiles.items():
        found = [points(corpus, scores, profile)[0] for scores in draws]
        note = f"{RANDOM_SEEDS} seeds, {min(found):.1f} to {max(found):.1f}"
        figures.append(figure(f"nab.{name}", float(np.mean(found)), "points", note=note))
    return figures
