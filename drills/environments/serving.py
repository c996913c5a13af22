"""Starting a server of a drill as a child, and waiting until it is ready."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from core.clock import Clock
from core.errors import SourceUnavailable
from drills.environments import Api
from drills.environments.children import Child
from drills.environments.configuration import Ports
from drills.shop.roles import LOOPBACK

READY_SECONDS = 30.0

_POLL_SECONDS = 0.1


class Children:
    """The processes of one environment; they see nothing of this process's environment.

    Args:
        folder: where they run and write their logs.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._running: list[Child] = []

    async def start(self, name: str, argv: Sequence[str], folder: Path | None = None) -> Child:
        """Start a program, in a folder of its own if one is given."""
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(self._folder)}
        child = await Child.start(name, argv, environment=environment, folder=folder or self._folder)
        self._running.append(child)
        return child

    async def start_command(self, command: str) -> Child:
        """Start a command of Quell."""
        return await self.start(command, [sys.executable, "-P", "-m", "app.cli.main", command])

    async def ready(self, child: Child, url: str) -> None:
        """Wait until a server answers there with success.

        Raises:
            SourceUnavailable: it ended, or did not in time.
        """
        end = self._clock.monotonic() + READY_SECONDS
        async with httpx.AsyncClient(timeout=1.0, trust_env=False) as client:
            while self._clock.monotonic() < end:
                child.check()
                with suppress(httpx.HTTPError):
                    if (await client.get(url)).is_success:
                        return
                await self._clock.sleep(_POLL_SECONDS)
        raise SourceUnavailable(
            f"{child.name} was not ready after {READY_SECONDS:.0f} s", fix=f"see {child.name}.log in {self._folder}"
        )

    async def start_quell(self, ports: Ports, token: str) -> Api:
        """Start `quell serve` and wait until it is ready; raises as `ready`."""
        api = Api(url=f"http://{LOOPBACK}:{ports.api}", token=token)
        await self.ready(await self.start_command("serve"), f"{api.url}/readyz")
        return api

    async def stop(self) -> None:
        """End all processes, the last one started first."""
        while self._running:
            await self._running.pop().stop()
