"""The network between Quell and Prometheus is cut in the middle of an incident, and heals."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.crash.quell import gate
from tests.crash.record import starts_of_leaf
from tests.outages.partition import partition
from tests.outages.watched import healed_once, outages, watched_world
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

SHORT_SECONDS = 10.0


async def survives_partition(folder: Path, point: str, seconds: float = 60.0) -> None:
    """An incident whose metrics cannot be reached for so long, from `point` on, is healed by one action."""
    verification = {"deadline_seconds": seconds + 40, "hold_seconds": 1, "poll_seconds": 0.25, "settle_seconds": 0.5}
    async with watched_world(folder, verification=verification) as (here, metrics):
        quell, marker = await here.start_quell(point)
        await here.kill_leaf()
        await here.alert()
        await here.reached(marker, quell)
        acted = await starts_of_leaf(here)
        with partition(metrics.port):
            end = time.monotonic() + seconds
            gate(marker).touch()
            await eventually(lambda: time.monotonic() >= end, deadline_seconds=seconds + 5, every_seconds=0.1)
            assert await starts_of_leaf(here) == acted, "nothing is done while it lasts"
            assert "gave no answer within" in await outages(here)
            quell.check()
        await healed_once(here)
        await quell.stop()


@pytest.mark.parametrize("point", ["guard:before", "act:ran"])
async def test_a_partition_heals_cleanly(point: str, tmp_path: Path) -> None:
    await survives_partition(tmp_path, point, SHORT_SECONDS)
