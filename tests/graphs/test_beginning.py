"""Alerts join an incident while it runs, end, and make it more severe: a replay takes those that the run began with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import BundleError
from core.models import Alert, AlertStatus, AttemptState, Recovery, Severity
from graphs.beginning import KEY, PORT, Beginning, keep_beginning
from graphs.bundle import Bundle, RecordedCall, read_bundle, write_bundle
from graphs.investigation import investigate_bundle
from graphs.replay import replay
from tests.graphs.conftest import Bench


async def more_happens(bench: Bench) -> None:
    """Another alert joins and the incident grows worse; the first alert is heard of again, as resolved."""
    at = bench.clock.now() + timedelta(seconds=30)
    labels = {"alertname": "EdgeSlow", "service": "edge"}
    joined = Alert(
        fingerprint="f2",
        status=AlertStatus.FIRING,
        name="EdgeSlow",
        severity=Severity.CRITICAL,
        labels=labels,
        starts_at=at,
        source="test",
    )
    async with bench.store.write() as tx:
        [first] = await tx.alerts.of_incident("inc_1")
        ended = {"status": AlertStatus.RESOLVED, "starts_at": at, "ends_at": at}
        await tx.alerts.save(first.model_copy(update=ended), "inc_1")
        await tx.alerts.save(joined, "inc_1")
        await tx.incidents.update("inc_1", severity=Severity.CRITICAL, alerts=("f1", "f2"))


async def exported(bench: Bench, folder: Path) -> Bundle:
    async with bench.store.write() as tx:
        await tx.incidents.update("inc_1", severity=Severity.WARNING)
    bench.remedy.states, bench.remedy.recoveries = [AttemptState.DONE], [Recovery.RECOVERED]
    await bench.runner.run("inc_1", await bench.lease())
    await more_happens(bench)
    await write_bundle(bench.store, "inc_1", folder, version="0", now=bench.clock.now())
    return read_bundle(folder)


async def test_what_happens_after_the_beginning_changes_no_replay(bench: Bench, tmp_path: Path) -> None:
    bundle = await exported(bench, tmp_path / "bundle")
    assert bundle.incident.severity is Severity.CRITICAL
    assert len(bundle.alerts) == 2
    result = await replay(bundle)
    assert result.same, result.differences
    found = await investigate_bundle(bundle)
    assert [alert.name for alert in found.alerts] == ["EdgeErrors"]


async def test_a_node_that_runs_again_takes_what_it_began_with(bench: Bench) -> None:
    context = bench.context(await bench.lease())
    began = await keep_beginning(context, "inc_1")
    await more_happens(bench)
    assert await keep_beginning(context, "inc_1") == began


async def test_a_bundle_without_a_beginning_is_taken_as_it_was_exported(bench: Bench, tmp_path: Path) -> None:
    bundle = await exported(bench, tmp_path / "bundle")
    kept = tuple(call for call in bundle.recordings if call.port != PORT)
    older = replace(bundle, recordings=kept)
    assert Beginning.recorded(older).alerts == bundle.alerts


async def test_a_beginning_of_another_version_is_told(bench: Bench, tmp_path: Path) -> None:
    bundle = await exported(bench, tmp_path / "bundle")
    broken = (RecordedCall(evidence_id="", port=PORT, key=KEY, payload='{"incident": 1}'),)
    changed = replace(bundle, recordings=broken)
    with pytest.raises(BundleError, match="do not fit this version at incident"):
        await replay(changed)
