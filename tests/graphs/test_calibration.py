"""The fit that counts when a run begins is the run's: one that is taken later changes neither it nor its replay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.calibration.model import Calibration
from analysis.calibration.shipped import shipped
from core.models import Autonomy, Diagnosis
from graphs.bundle import Bundle, read_bundle, write_bundle
from graphs.replay import replay
from graphs.run_settings import keep_settings, kept_settings
from tests.graphs.conftest import Bench

SHY = Calibration(version="shy", intercept=-1.0, coefficients=())
SURE = Calibration(version="sure", intercept=1.0, coefficients=())


async def take(bench: Bench, fit: Calibration) -> None:
    async with bench.store.write() as tx:
        await tx.calibrations.take(fit, "for the test")


async def investigated(bench: Bench, folder: Path) -> Bundle:
    bench.remedy.facts = {"autonomy": Autonomy.OBSERVE}
    await bench.runner.run("inc_1", await bench.lease())
    await write_bundle(bench.store, "inc_1", folder, version="0", now=bench.clock.now())
    return read_bundle(folder)


def confidence(bundle: Bundle) -> float:
    said = [Diagnosis.model_validate_json(one.result) for one in bundle.decisions if one.agent == "rca"]
    return said[-1].confidence


@pytest.mark.parametrize("taken", [SHY, None])
async def test_a_run_keeps_the_fit_that_it_began_with(bench: Bench, taken: Calibration | None) -> None:
    if taken is not None:
        await take(bench, taken)
    context = bench.context(await bench.lease())
    await keep_settings(context, "inc_1")
    await take(bench, SURE)
    assert (await kept_settings(context, "inc_1")).calibration == (taken or shipped())


async def test_what_a_context_is_given_counts_before_the_store(bench: Bench) -> None:
    await take(bench, SURE)
    context = replace(bench.context(await bench.lease()), calibration=SHY)
    await keep_settings(context, "inc_1")
    assert (await kept_settings(context, "inc_1")).calibration == SHY


async def test_a_replay_is_as_sure_as_the_run_was(bench: Bench, tmp_path: Path) -> None:
    await take(bench, SHY)
    bundle = await investigated(bench, tmp_path / "bundle")
    assert confidence(bundle) == pytest.approx(SHY.probability({}), abs=0.001)
    result = await replay(bundle)
    assert result.same, result.differences
