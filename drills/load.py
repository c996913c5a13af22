"""Customers of the shop: a steady, mixed stream of requests at the gateway, in this process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import httpx

from core.clock import Clock


class Journey(StrEnum):
    """What a customer does; each takes its own path through the shop."""

    CHECKOUT = "checkout"
    BROWSE = "browse"
    FILL_CART = "fill_cart"
    SHOW_CART = "show_cart"


WEIGHTS = {Journey.CHECKOUT: 4, Journey.BROWSE: 3, Journey.FILL_CART: 2, Journey.SHOW_CART: 1}
"""Share of each journey in the stream, in tenths."""

COUNTRIES = {"DE": 4, "FR": 2, "GB": 2, "US": 2}
"""Where customers live, in tenths."""

PATIENCE_SECONDS = 3.0
"""After this long a customer gives up; counts as a failure."""

_USERS = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """One answered, or unanswered, request.

    Attributes:
        at: when it ended, on the clock's monotonic scale.
        ok: whether the answer was 2xx.
        seconds: how long the customer waited.
    """

    at: float
    journey: Journey
    ok: bool
    seconds: float


class Load:
    """An open loop: requests leave on schedule however slow the answers are, as customers do.

    Args:
        gateway_url: base URL of the shop.
        record: gets every sample.
        requests_per_second: the pace.
        seed: makes the stream of journeys repeatable.
    """

    def __init__(
        self,
        gateway_url: str,
        record: Callable[[Sample], None],
        clock: Clock,
        *,
        requests_per_second: float = 28.0,
        seed: int = 0,
    ) -> None:
        self._url = gateway_url
        self._record = record
        self._clock = clock
        self._gap_seconds = 1.0 / requests_per_second
        self._random = random.Random(seed)

    async def run(self) -> None:
        """Send until cancelled."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with (
            httpx.AsyncClient(base_url=self._url, timeout=PATIENCE_SECONDS, limits=limits, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            due = self._clock.monotonic()
            while True:
                journey = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
                group.create_task(self._travel(client, journey, self._request(client, journey)))
                due += self._gap_seconds
                await self._clock.sleep(max(0.0, due - self._clock.monotonic()))

    def _request(self, client: httpx.AsyncClient, journey: Journey) -> httpx.Request:
        user = f"u{self._random.randrange(_USERS)}"
        if journey is Journey.BROWSE:
            return client.build_request("GET", "/products", params={"page": self._random.randrange(6), "per_page": 10})
        if journey is Journey.SHOW_CART:
            return client.build_request("GET", f"/cart/{user}")
        if journey is Journey.FILL_CART:
            item = {"product": f"p{self._random.randrange(60):02}", "price_cents": self._random.randrange(199, 9000)}
            return client.build_request("POST", f"/cart/{user}", json=item)
        country = self._random.choices(list(COUNTRIES), list(COUNTRIES.values()))[0]
        return client.build_request("POST", f"/checkout/{user}", json={"country": country})

    async def _travel(self, client: httpx.AsyncClient, journey: Journey, request: httpx.Request) -> None:
        began = self._clock.monotonic()
        try:
            ok = (await client.send(request)).is_success
        except httpx.HTTPError:
            ok = False
        ended = self._clock.monotonic()
        self._record(Sample(at=ended, journey=journey, ok=ok, seconds=ended - began))
