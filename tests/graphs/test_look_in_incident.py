"""A model that looks further within an incident: what it saw is kept, and the run replays from the record."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from bench.prompts.listener import Listener
from core.models import Rung
from graphs.bundle import read_bundle, write_bundle
from graphs.context import IncidentContext
from graphs.incident import build_incident_graph
from graphs.replay import replay
from graphs.runner import IncidentRunner, RunResult
from graphs.scratch import ObservingRemedy
from stores.leases import Lease
from tests.graphs.conftest import Bench


async def test_what_a_model_looked_at_is_evidence_and_replays_without_a_model(bench: Bench, tmp_path: Path) -> None:
    model = Listener(Rung.LOCAL, 0.95, (("service_topology",),), names=re.compile("leaf"))

    def context(lease: Lease) -> IncidentContext:
        return replace(
            bench.context(lease), models={Rung.LOCAL: model}, remedy=ObservingRemedy(bench.clock), max_looks=1
        )

    runner = IncidentRunner(build_incident_graph(bench.saver), context)
    assert await runner.run("inc_1", await bench.lease()) is RunResult.FINISHED
    async with bench.store.read() as tx:
        evidence = await tx.evidence.of_incident("inc_1")
        decisions = {each.agent: each for each in await tx.decisions.of_incident("inc_1")}
    looked_at = [each for each in evidence if (each.tool, each.subject) == ("service_topology", "leaf")]
    assert len(looked_at) == 1
    assert decisions["rca"].rung is not Rung.RULES
    assert not bench.remedy.acted

    await write_bundle(bench.store, "inc_1", tmp_path / "bundle", version="0", now=bench.clock.now())
    asked = len(model.shown)
    found = await replay(read_bundle(tmp_path / "bundle"))
    assert found.same, found.differences
    assert len(model.shown) == asked
