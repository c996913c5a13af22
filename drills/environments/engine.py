"""The Docker Engine of a drill: one of its own that ends with it, or one that the user names."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]  # the SDK ships no types
import requests
from docker.errors import APIError, DockerException, NotFound  # type: ignore[import-untyped]  # as above

from core.clock import Clock
from core.errors import ActuatorError, SourceUnavailable
from drills.environments.dockerd import START_SECONDS, Dockerd, try_engine_lock
from drills.environments.servers import root_folder
from drills.shop.roles import LOOPBACK

LOCK_SECONDS = 300.0
"""How long the engine of another drill or test is waited for."""

_CALL_SECONDS = 60.0
_POLL_SECONDS = 0.2

Json = dict[str, Any]


class Engine:
    """What a pipeline and an operator do with an engine: the SDK without Quell's guard, in worker threads.

    Args:
        url: as in DOCKER_HOST.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._api: Any = None

    async def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of `docker.APIClient`.

        Raises:
            ActuatorError: the engine refused.
            SourceUnavailable: it does not answer.
        """
        return await asyncio.to_thread(self._call, method, arguments, options)

    def _call(self, method: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        try:
            if self._api is None:
                _knock(self.url)
                self._api = docker.APIClient(base_url=self.url, version="auto", timeout=_CALL_SECONDS)
            return getattr(self._api, method)(*arguments, **options)
        except APIError as error:
            raise ActuatorError(f"the engine refused {method}: {error.explanation or error}") from error
        except (DockerException, requests.RequestException, OSError) as error:
            raise SourceUnavailable(
                f"no Docker Engine answers at {self.url}: {error}", fix="check --engine, or DOCKER_HOST"
            ) from error

    async def find(self, method: str, name: str) -> Json | None:
        """What `method` tells of one thing; None when there is none of that name. Raises as `call`."""
        try:
            told: Json = await self.call(method, name)
        except ActuatorError as error:
            if isinstance(error.__cause__, NotFound):
                return None
            raise
        return told

    async def build(self, repository: str, release: str, entrypoint: str) -> None:
        """Make an image of the host's programs that starts with `entrypoint`, a JSON list; raises as `call`."""
        changes = [f"ENTRYPOINT {entrypoint}", "ENV PATH=/usr/bin:/bin", "ENV PYTHONDONTWRITEBYTECODE=1"]
        options = {"repository": repository, "tag": release, "changes": changes}
        await self.call("import_image_from_data", root_folder(), **options)

    def close(self) -> None:
        """Drop the connection."""
        if self._api is not None:
            self._api.close()


def _knock(url: str) -> None:
    """Make sure that somebody listens: the SDK leaves a socket open on which nobody does.

    Raises:
        OSError: nobody does.
    """
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(url.removeprefix("unix://"))


@asynccontextmanager
async def open_engine(url: str, folder: Path, clock: Clock, *, swarm_port: int = 0) -> AsyncIterator[Engine]:
    """The engine at `url`, or one of the drill's own when that is empty.

    Args:
        folder: of the own engine's data, socket and log.
        swarm_port: the own engine manages a swarm of itself, on this port; 0: none.

    Raises:
        ConfigError: no dockerd is installed, or it may not be started.
        SourceUnavailable: it did not come up, or another one did not end.
    """
    if url:
        async with _connected(url) as engine:
            yield engine
    else:
        async with _own_engine(folder, clock) as engine:
            if swarm_port:
                await _make_swarm(engine, swarm_port)
            yield engine


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Engine]:
    engine = Engine(url)
    try:
        await engine.call("ping")
        yield engine
    finally:
        engine.close()


@asynccontextmanager
async def _own_engine(folder: Path, clock: Clock) -> AsyncIterator[Engine]:
    async with _only_engine(clock):
        dockerd = Dockerd(folder)
        await asyncio.to_thread(folder.mkdir)
        try:
            dockerd.spawn()
            deadline = clock.monotonic() + START_SECONDS
            while not await asyncio.to_thread(dockerd.answers):
                if clock.monotonic() >= deadline:
                    raise SourceUnavailable(f"dockerd is not ready after {START_SECONDS:.0f} s", fix="see its log")
                await clock.sleep(_POLL_SECONDS)
            async with _connected(dockerd.url) as engine:
                yield engine
        finally:
            await asyncio.to_thread(dockerd.end)
            await asyncio.to_thread(dockerd.clean)


@asynccontextmanager
async def _only_engine(clock: Clock) -> AsyncIterator[None]:
    deadline = clock.monotonic() + LOCK_SECONDS
    while True:
        with try_engine_lock() as held:
            if held:
                yield
                return
        if clock.monotonic() >= deadline:
            raise SourceUnavailable(
                "another drill or test runs a Docker Engine of its own", fix="wait for it, or name one with --engine"
            )
        await clock.sleep(1.0)


async def _make_swarm(engine: Engine, port: int) -> None:
    """A swarm of one; what its tasks publish is bound to loopback, for which the bridge must be there before it."""
    options = {
        "com.docker.network.bridge.name": "docker_gwbridge",
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.bridge.host_binding_ipv4": LOOPBACK,
    }
    await engine.call("create_network", "docker_gwbridge", driver="bridge", options=options)
    await engine.call("init_swarm", advertise_addr=LOOPBACK, listen_addr=f"{LOOPBACK}:{port}")
