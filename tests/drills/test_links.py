"""The proxy that makes a network slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from core.clock import SystemClock
from drills.environments.links import DelayingProxy
from drills.shop.roles import Role
from tests.drills.conftest import LocalShop
from tests.support import eventually

DELAY_SECONDS = 0.5
CHUNKS = 3
"""A request of `charge` passes in more than so many; delayed one by one they would make it that much later."""


@pytest.fixture
async def way(local_shop: LocalShop) -> AsyncIterator[tuple[DelayingProxy, str]]:
    """A proxy in front of a payment service, and its URL."""
    port = int(local_shop.start(Role.PAYMENT).rpartition(":")[2])
    proxy = DelayingProxy(("127.0.0.1", port), SystemClock())
    await proxy.start("127.0.0.1", 0)
    yield proxy, f"http://127.0.0.1:{proxy.port}"
    await proxy.stop()


async def charge(url: str, amount: int = 5) -> tuple[int, float]:
    """Status of a charge, and how long it took in seconds."""
    began = time.monotonic()
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{url}/charges", json={"user": "x" * 200_000, "amount_cents": amount})
    return answer.status_code, time.monotonic() - began


async def promptly(url: str) -> bool:
    """Whether a charge succeeds in less than the delay; on a busy machine one or another does not."""
    status, seconds = await charge(url)
    assert status == 200
    return seconds < DELAY_SECONDS


async def test_a_request_is_passed_on_whole_and_at_once(way: tuple[DelayingProxy, str]) -> None:
    await eventually(lambda: promptly(way[1]))


async def test_every_request_is_late_by_the_delay_and_no_more(way: tuple[DelayingProxy, str]) -> None:
    proxy, url = way
    proxy.delay_seconds = DELAY_SECONDS

    async def late_by_one_delay() -> bool:
        answers = await asyncio.gather(*(charge(url) for _ in range(5)))
        assert {status for status, _ in answers} == {200}
        assert all(seconds >= DELAY_SECONDS for _, seconds in answers)
        return all(seconds < CHUNKS * DELAY_SECONDS for _, seconds in answers)

    await eventually(late_by_one_delay)
    proxy.delay_seconds = 0.0
    await eventually(lambda: promptly(url))


async def test_what_the_service_refuses_is_passed_back(way: tuple[DelayingProxy, str]) -> None:
    assert (await charge(way[1], amount=0))[0] == 400


async def test_a_service_that_is_gone_ends_the_connection() -> None:
    proxy = DelayingProxy(("127.0.0.1", 9), SystemClock())
    await proxy.start("127.0.0.1", 0)
    with pytest.raises(httpx.TransportError):
        await charge(f"http://127.0.0.1:{proxy.port}")
    await proxy.stop()


async def test_nothing_hangs_on_when_it_stops(way: tuple[DelayingProxy, str]) -> None:
    proxy, url = way
    proxy.delay_seconds = 60.0
    waiting = asyncio.create_task(charge(url))
    await eventually(lambda: proxy.connections)
    await proxy.stop()
    with pytest.raises(httpx.TransportError):
        await waiting
