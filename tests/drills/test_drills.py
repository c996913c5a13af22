"""Whole drills: a real shop, a real fault, the real Quell. Each scenario once, with names that nobody knows."""

from __future__ import annotations

import random

import pytest

from core.clock import SystemClock
from drills.runner import run_scenario
from drills.scenario import find_scenario, scenarios

SEED = random.SystemRandom().randrange(10_000)


@pytest.mark.drill
@pytest.mark.slow
@pytest.mark.parametrize("name", [scenario.name for scenario in scenarios()])
async def test_quell_finds_and_heals(name):
    print(f"run it again with: quell drill run {name} --rename {SEED}")  # noqa: T201  # pytest shows it when the test fails, however it fails
    score = await run_scenario(find_scenario(name), SystemClock(), seed=SEED)
    assert score.passed, score.model_dump_json(indent=2)
