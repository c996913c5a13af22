"""The load generator against the shop itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from core.clock import SystemClock
from drills.load import COUNTRIES, WEIGHTS, Journey, Load, Sample
from drills.shop.roles import Role
from tests.support import eventually


async def drive(url: str, samples: list[Sample], count: int) -> None:
    """Run a load until it recorded that many samples."""
    load = Load(url, samples.append, SystemClock(), requests_per_second=150, seed=7)
    task = asyncio.create_task(load.run())
    try:
        await eventually(lambda: len(samples) >= count)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_customers_of_a_healthy_shop_are_served(local_shop):
    samples: list[Sample] = []
    await drive(local_shop.start_all(), samples, 60)
    assert all(sample.ok for sample in samples)
    assert Counter(sample.journey for sample in samples).keys() == set(Journey)


def test_checkouts_are_at_least_a_third_of_the_traffic():
    assert WEIGHTS[Journey.CHECKOUT] * 3 >= sum(WEIGHTS.values())


async def test_a_payment_outage_fails_checkouts_and_nothing_else(local_shop):
    local_shop.start_all()
    local_shop.urls[Role.PAYMENT] = "http://127.0.0.1:9"
    local_shop.start(Role.ORDERS, tax_rates=dict.fromkeys(COUNTRIES, 19))
    samples: list[Sample] = []
    await drive(local_shop.start(Role.GATEWAY), samples, 60)
    assert all(sample.ok == (sample.journey is not Journey.CHECKOUT) for sample in samples)


async def test_a_shop_that_is_gone_is_a_failure_of_every_request():
    samples: list[Sample] = []
    await drive("http://127.0.0.1:9", samples, 10)
    assert not any(sample.ok for sample in samples)
