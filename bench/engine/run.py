"""`quell bench engine`: how fast the analysis is, and how much memory it takes, on made-up load.

Times are processor time of this process, the best of some runs, so that other programs on the machine count little.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np

from agents.anomaly import find
from agents.models import AnomalyInput, RcaInput
from agents.rca import diagnose
from analysis.config import Floor
from analysis.series.scoring import Normals, Scores, score
from analysis.series.streaming import StreamScorer
from analysis.view import SystemView
from bench.engine.load import CONFIG, matrix, system
from bench.engine.memory import peak_mebibytes
from bench.engine.peers import rolling_samples_per_second, scored_alone_seconds
from bench.result import BenchOptions, BenchResult, Figure, Peer, figure
from core.frames import Floats
from core.models import Diagnosis

SERIES, SAMPLES = 10_000, 240
STEP_SECONDS = 60.0
ANALYSED = SAMPLES // 4
FLOOR = Floor(absolute=0.01, relative=0.05)
STREAM_ROWS = 60
SERVICES, METRICS, LINES = 50, 20, 100_000
RUNS = 5


def run(options: BenchOptions) -> BenchResult:
    """Measure; with peers, the same scores and streams one series at a time."""
    values = matrix(SERIES, SAMPLES)
    times = _times(0, SAMPLES)
    memory = peak_mebibytes()
    figures = (
        figure(
            "engine.scoring", _best(lambda: score_all(times, values)), "s", floor=0.4, aim=0.08, lower_is_better=True
        ),
        figure("engine.streaming", _streamed(values), "samples/s", floor=1e6, aim=1e7),
        *_investigation(),
        figure("engine.memory", memory, "MiB", floor=600, aim=250, lower_is_better=True),
    )
    return BenchResult(name="engine", figures=figures, peers=_peers(times, values) if options.with_peers else ())


def score_all(times: Floats, values: Floats) -> Scores:
    """Normals from the first three quarters of the samples, scores over the last one: windows and changes of level."""
    normals = Normals.fit(values[:, :-ANALYSED], FLOOR)
    return score(times, values, normals, float(times[-ANALYSED]), CONFIG.max_z)


def investigate(view: SystemView) -> Diagnosis:
    """The rules rung from a view to a diagnosis, through the agents that production asks."""

    async def asked() -> Diagnosis:
        found = await find(AnomalyInput(view, CONFIG))
        return (await diagnose(RcaInput(view, found.result.findings, CONFIG))).result

    return asyncio.run(asked())


def _streamed(values: Floats) -> float:
    """Samples a second through the public ingest call, warm, on one core."""
    rows = np.ascontiguousarray(values.T)
    scorer = StreamScorer(SERIES)
    scorer.ingest(_times(0, SAMPLES), rows)
    newest = rows[:STREAM_ROWS]
    began = SAMPLES

    def ingest() -> None:
        nonlocal began
        scorer.ingest(_times(began, STREAM_ROWS), newest)
        began += STREAM_ROWS

    return newest.size / _best(ingest)


def _times(first: int, samples: int) -> Floats:
    """Times of samples one step apart, seconds."""
    return STEP_SECONDS * np.arange(first, first + samples, dtype=np.float64)


def _investigation() -> tuple[Figure, ...]:
    """The whole analysis of one incident, and whether it names the service that was broken."""
    view = system(SERVICES, METRICS, LINES)
    answers: list[Diagnosis] = []
    seconds = _best(lambda: answers.append(investigate(view)), runs=3)
    first = answers[0].first
    right = first is not None and first.service == view.logs[-1].service
    return (
        figure("engine.investigation", seconds, "s", floor=3, aim=1, lower_is_better=True),
        figure("engine.investigation.right", float(right), note="1: the broken service is named first"),
    )


def _peers(times: Floats, values: Floats) -> tuple[Peer, ...]:
    alone = figure("engine.scoring", scored_alone_seconds(times, values, ANALYSED), "s")
    rolling = figure("engine.streaming", rolling_samples_per_second(values), "samples/s")
    return (
        Peer(name="one series after the other", source="numpy: nanmedian, nanmean, cumsum", figures=(alone,)),
        Peer(name="rolling z in Python", source="statistics over a deque", figures=(rolling,)),
    )


def _best(work: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds of processor time that the quickest of some runs took."""
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)
