"""The shop inside the test process: real sockets, one thread a service."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.clock import SystemClock
from drills.shop.roles import Role, ServiceConfig
from drills.shop.service import build
from drills.shop.web import JsonLog


@dataclass
class LocalShop:
    """Services that were started, their base URLs and what they logged."""

    start: Callable[..., str]
    urls: dict[Role, str] = field(default_factory=dict)
    logs: dict[Role, io.StringIO] = field(default_factory=dict)

    def lines(self, role: Role) -> list[dict[str, Any]]:
        """What a service logged so far."""
        return [json.loads(line) for line in self.logs[role].getvalue().splitlines()]

    def start_all(self) -> str:
        """The whole shop; returns the URL of the gateway."""
        for role in (Role.CACHE, Role.PAYMENT, Role.CART, Role.CATALOGUE):
            self.start(role)
        self.start(Role.ORDERS, tax_rates={"DE": 19, "FR": 20, "GB": 20, "US": 0})
        return self.start(Role.GATEWAY)


@pytest.fixture
def local_shop() -> Iterator[LocalShop]:
    """Starts services on request and stops them all at the end; each knows those started before it."""
    with ExitStack() as cleanup:

        def start(role: Role, **settings: Any) -> str:
            config = ServiceConfig(
                **{"name": role.value, "role": role, "port": 0, "dependencies": dict(shop.urls), **settings}
            )
            shop.logs[role] = io.StringIO()
            server = build(config, SystemClock(), JsonLog(config.name, SystemClock(), shop.logs[role]))
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            cleanup.callback(server.server_close)
            cleanup.callback(thread.join)
            cleanup.callback(server.shutdown)
            shop.urls[role] = f"http://127.0.0.1:{server.server_address[1]}"
            return shop.urls[role]

        shop = LocalShop(start)
        yield shop
