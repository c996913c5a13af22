"""Spans in an incident: kept as evidence with what they rest on, replayed the same, asked for only where any are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from clients.spans import SpanBuffer, SpanSettings
from core.errors import SourceUnavailable
from core.models import AttemptState, Evidence, IncidentStatus, Recovery
from core.traces import SpanPage, TraceQuery
from graphs.bundle import Bundle, read_bundle, write_bundle
from graphs.replay import RecordedRemedy, offline, reopened, replay
from graphs.runner import RunResult
from stores.leases import Lease
from tests.graphs.conftest import Bench
from tests.tools.world import called, span


async def healed(bench: Bench, folder: Path) -> Bundle:
    """The incident, run to its end and exported."""
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    assert await bench.runner.run("inc_1", await bench.lease()) is RunResult.FINISHED
    assert (await bench.incident()).status is IncidentStatus.RESOLVED
    await write_bundle(bench.store, "inc_1", folder, version="0", now=bench.clock.now())
    return read_bundle(folder)


def digests(bundle: Bundle) -> dict[str, Evidence]:
    return {each.subject: each for each in bundle.evidence if each.tool == "trace_digest"}


async def traces_on_replay(bundle: Bundle, bench: Bench) -> bool:
    _, clock = reopened(bundle)
    make_context = await offline(bundle, clock, RecordedRemedy(bundle))
    lease = Lease(incident_id="inc_1", holder="replay", token=1, expires_at=clock.now())
    return make_context(bench.store, lease).sources.traces is not None


async def test_an_incident_with_spans_replays_the_same(bench: Bench, tmp_path: Path) -> None:
    spans = SpanBuffer(SpanSettings(retention_seconds=1e5), bench.clock)
    for number in range(100):
        start = bench.clock.now() - timedelta(seconds=10 + 30 * number)
        spans.add(called("edge", "leaf", number, start, wait=0.2, work=0.1))
    bench.traces = spans
    bundle = await healed(bench, tmp_path / "bundle")
    found = digests(bundle)
    assert "calls leaf" in [fact.name for fact in found["edge"].digest.facts]
    assert found["edge"].source == "otlp"
    spans.add([span("edge", 999, bench.clock.now() - timedelta(seconds=20), 9.0)])  # came too late to be seen
    result = await replay(bundle)
    assert result.same, result.differences
    assert await traces_on_replay(bundle, bench)


async def test_a_recording_without_spans_is_replayed_without_asking_for_any(bench: Bench, tmp_path: Path) -> None:
    bundle = await healed(bench, tmp_path / "bundle")
    assert digests(bundle) == {}
    assert not await traces_on_replay(bundle, bench)
    assert (await replay(bundle)).same


async def test_a_trace_source_that_is_away_costs_the_spans_only(bench: Bench, tmp_path: Path) -> None:
    class Away(SpanBuffer):
        async def query(self, query: TraceQuery) -> SpanPage:
            raise SourceUnavailable("Tempo is late", fix="wait")

    bench.traces = Away(SpanSettings(), bench.clock)
    bundle = await healed(bench, tmp_path / "bundle")
    assert {each.error for each in digests(bundle).values()} == {"Tempo is late (wait)"}
    assert [entry.text for entry in bundle.timeline if entry.kind == "outage"] == ["otlp: Tempo is late (wait)"]
    assert (await replay(bundle)).same
