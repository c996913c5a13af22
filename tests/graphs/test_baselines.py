"""The normal that an investigation went by is recorded, and a replay goes by it whatever is usual today."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from agents.models import Findings
from clients.recorded import BASELINES
from core.frames import BaselineQuery, Frame, MetricQuery, SeriesBaseline
from core.models import Autonomy, Past, Signal, Usual
from graphs.bundle import Bundle, read_bundle, write_bundle
from graphs.replay import replay
from tests.graphs.conftest import Bench, Metrics


class Failing(Metrics):
    """As ever, and `edge` fails three of ten requests, now and in the minutes before."""

    async def query(self, query: MetricQuery) -> Frame:
        if query.metric != "http_requests_total":
            return await super().query(query)
        frame = Frame.empty(query.window, query.step_seconds)
        failed = 3.0 if query.matchers_regex else 10.0
        return replace(frame, labels=({},), values=np.full((1, frame.values.shape[1]), failed))


class Remembered:
    """Every share that it is asked for was usually at that level."""

    def __init__(self, median: float) -> None:
        self.median = median

    async def baseline(self, query: BaselineQuery) -> SeriesBaseline:
        one = Usual(past=Past.LAST_DAY, median=self.median, spread=0.0, low=0.0, high=0.0, samples=200)
        return SeriesBaseline(until=query.until, usual=(one,) if query.signal is Signal.ERRORS else ())


async def looked_at(bench: Bench, folder: Path) -> Bundle:
    """The incident, investigated and exported."""
    bench.metrics = Failing(bench.metrics.fault_at)
    bench.remedy.facts = {"autonomy": Autonomy.OBSERVE}
    await bench.runner.run("inc_1", await bench.lease())
    await write_bundle(bench.store, "inc_1", folder, version="0", now=bench.clock.now())
    return read_bundle(folder)


def failing(bundle: Bundle) -> set[str]:
    """Services whose errors were found to be unusual."""
    results = [Findings.model_validate_json(one.result) for one in bundle.decisions if one.agent == "anomaly"]
    return {found.service for result in results for found in result.findings if found.signal is Signal.ERRORS}


async def test_an_incident_replays_by_the_normal_it_was_judged_by(bench: Bench, tmp_path: Path) -> None:
    bench.baselines = usual = Remembered(0.0)
    bundle = await looked_at(bench, tmp_path / "bundle")
    assert failing(bundle) == {"edge", "leaf"}
    assert BASELINES in {call.port for call in bundle.recordings}
    told = {each.subject: each.digest for each in bundle.evidence if "errors" in each.digest.summary}
    assert "usually 0 (in the last 24 hours)" in told["edge"].summary
    assert [one.past for one in told["edge"].series[0].usual] == [Past.LAST_DAY]
    usual.median = 0.3
    result = await replay(bundle)
    assert result.same, result.differences


async def test_without_history_the_minutes_before_are_the_normal(bench: Bench, tmp_path: Path) -> None:
    bundle = await looked_at(bench, tmp_path / "bundle")
    assert failing(bundle) == set()
    assert BASELINES not in {call.port for call in bundle.recordings}
    result = await replay(bundle)
    assert result.same, result.differences
