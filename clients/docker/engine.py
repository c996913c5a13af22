"""The Docker Engine as async Python: one method a call of `clients.docker.calls`, in worker threads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote

from docker.errors import APIError, DockerException  # type: ignore[import-untyped]  # the SDK ships no types
from requests.exceptions import (
    JSONDecodeError,
    RequestException,
)
from urllib3.exceptions import HTTPError

from clients.docker.failures import refused, unanswered, unreadable
from clients.docker.settings import DockerSettings
from clients.docker.times import parse_time
from clients.docker.transport import GuardedClient, connect
from core.clock import Clock
from core.errors import SourceError, SourceRejected

T = TypeVar("T")
Json = dict[str, Any]

SKEW_IGNORED_SECONDS = 1.0
"""Below this the difference of two clocks is the time that the question took."""
SKEW_AGE_SECONDS = 60.0
RESERVE_SECONDS = 30.0
"""What a call may take beyond its socket timeout before it is given up, whatever trickles in."""


class Engine:
    """One engine. Connects at the first call, and again after a failure.

    Every method raises SourceUnavailable when the engine does not answer, and SourceRejected when it refuses or does
    not know the name. Times that the engine tells are those of its own clock: see `skew`.
    """

    def __init__(self, settings: DockerSettings, clock: Clock, *, reserve_seconds: float = RESERVE_SECONDS) -> None:
        self._reserve_seconds = reserve_seconds
        self.url = settings.url
        self._settings = settings
        self._clock = clock
        self._client: GuardedClient | None = None
        self._connecting = Lock()
        self._skew: tuple[float, timedelta] | None = None

    async def version(self) -> Json:
        """Version of engine and API."""
        return await self._call(lambda api: api.version(api_version=False))

    async def info(self) -> Json:
        """The engine about itself; measures the skew of its clock in passing."""
        asked = self._clock.now()
        info: Json = await self._call(lambda api: api.info())
        at = parse_time(info.get("SystemTime"))
        if at is not None:
            between = at - asked
            skew = timedelta(0) if abs(between.total_seconds()) < SKEW_IGNORED_SECONDS else between
            self._skew = (self._clock.monotonic(), skew)
        return info

    async def skew(self) -> timedelta:
        """How far the engine's clock is ahead of Quell's; measured again once a minute."""
        if self._skew is None or self._clock.monotonic() - self._skew[0] > SKEW_AGE_SECONDS:
            await self.info()
        return self._skew[1] if self._skew else timedelta(0)

    async def containers(self) -> list[Json]:
        """All containers, the stopped ones too, as summaries."""
        return await self._call(lambda api: api.containers(all=True))

    async def container(self, name: str) -> Json | None:
        """A container by name or id; None when there is none."""
        return await self._found(lambda api: api.inspect_container(name))

    async def image(self, reference: str) -> Json | None:
        """An image by reference or id; None when the engine does not hold it."""
        return await self._found(lambda api: api.inspect_image(reference))

    async def events(self, since: str, until: str, filters: dict[str, list[str]]) -> list[Json]:
        """Events that the engine still holds (its last 256), oldest first; times as in ``1795221178.888877600``."""
        params = {"since": since, "until": until, "filters": json.dumps(filters)}
        # The SDK's own reader of this stream leaves the connection open.
        body: bytes = await self.stream("/events", params, lambda raw: raw.read(decode_content=True))
        try:
            return [json.loads(line) for line in body.splitlines() if line.strip()]
        except ValueError as error:
            raise unreadable(self.url) from error

    async def stats(self, name: str, *, one_shot: bool) -> Json:
        """One sample; without `one_shot` with the sample of a second before."""
        return await self._call(lambda api: api.stats(name, stream=False, one_shot=one_shot))

    async def start(self, name: str) -> None:
        """Start a container; one that runs is left alone."""
        await self._call(lambda api: api.start(name))

    async def stop(self, name: str, grace_seconds: int) -> None:
        """Stop a container: its stop signal, and SIGKILL after the grace; one that is stopped is left alone."""
        await self._call(lambda api: api.stop(name, timeout=grace_seconds), wait_seconds=grace_seconds)

    async def restart(self, name: str, grace_seconds: int) -> None:
        """Stop and start a container."""
        await self._call(lambda api: api.restart(name, timeout=grace_seconds), wait_seconds=grace_seconds)

    async def create(self, name: str, config: Json) -> str:
        """Create a container from a body as in the API; returns its id."""
        created: Json = await self._call(lambda api: api.create_container_from_config(config, name))
        return str(created["Id"])

    async def rename(self, container: str, name: str) -> None:
        """Give a container another name."""
        await self._call(lambda api: api.rename(container, name))

    async def remove(self, container: str) -> None:
        """Remove a stopped container; its volumes stay."""
        await self._call(lambda api: api.remove_container(container))

    async def join(self, network: str, container: str, endpoint: Json) -> None:
        """Connect a container to a network with an endpoint configuration as in the API."""
        body = {"Container": container, "EndpointConfig": endpoint}
        await self._call(partial(_post, path=f"/networks/{quote(network, safe='')}/connect", params={}, body=body))

    async def services(self) -> list[Json]:
        """All Swarm services."""
        return await self._call(lambda api: api.services())

    async def service(self, name: str) -> Json | None:
        """A Swarm service by name or id, its specification as it was given; None when there is none."""
        return await self._found(lambda api: api.inspect_service(name))

    async def update_service(self, identity: str, version: int, spec: Json) -> None:
        """Replace the whole specification of a service, provided that it still is that version."""
        path = f"/services/{quote(identity, safe='')}/update"
        await self._call(partial(_post, path=path, params={"version": str(version)}, body=spec))

    async def tasks(self, service: str) -> list[Json]:
        """Tasks of a service that the swarm still remembers, the ended and rejected ones too."""
        return await self._call(lambda api: api.tasks(filters={"service": service}))

    async def stream(self, path: str, params: dict[str, str], read: Callable[[Any], T]) -> T:
        """Let `read` take what it wants of a streamed answer (its raw file-like body), in the worker thread."""
        return await self._call(partial(_stream, path=path, params=params, read=read))

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    async def _found(self, call: Callable[[Any], Json]) -> Json | None:
        def ask(api: Any) -> Json | None:
            try:
                return call(api)
            except APIError as error:
                if error.status_code == HTTPStatus.NOT_FOUND:
                    return None
                raise

        return await self._call(ask)

    async def _call(self, call: Callable[[Any], T], wait_seconds: float = 0.0) -> T:
        limit_seconds = self._settings.timeout_seconds + wait_seconds + self._reserve_seconds
        try:
            async with asyncio.timeout(limit_seconds):
                return await asyncio.to_thread(lambda: call(self._connected()))
        except SourceError:
            raise
        except APIError as error:
            raise refused(self.url, error) from error
        except (JSONDecodeError, ValueError) as error:
            raise unreadable(self.url) from error
        except (DockerException, RequestException, HTTPError, OSError) as error:
            raise unanswered(self.url, error) from error

    def _connected(self) -> GuardedClient:
        with self._connecting:
            if self._client is None:
                self._client = connect(self._settings)
            return self._client


def _url(api: Any, path: str) -> str:
    return f"{api.base_url}/v{api.api_version}{path}"


def _post(api: Any, path: str, params: dict[str, str], body: Json) -> None:
    """A call for which the SDK has no method that leaves the body as it is."""
    answer = api.post(_url(api, path), params=params, json=body, timeout=api.timeout)
    _raise_for(answer)


def _stream(api: Any, path: str, params: dict[str, str], read: Callable[[Any], T]) -> T:
    with api.get(_url(api, path), params=params, stream=True, timeout=api.timeout) as answer:
        _raise_for(answer)
        return read(answer.raw)


def _raise_for(answer: Any) -> None:
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        return
    try:
        explanation = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        explanation = answer.text[:300]
    raise APIError(f"{answer.status_code} {answer.reason}", response=answer, explanation=explanation)


def known(found: Json | None, kind: str, name: str) -> Json:
    """What was found.

    Raises:
        SourceRejected: nothing.
    """
    if found is None:
        raise SourceRejected(
            f"the Docker Engine knows no {kind} {name}", fix="correct it under services: identity: in quell.yaml"
        )
    return found


def names(rows: Sequence[Json]) -> list[str]:
    """Names of container summaries, without the leading slash; one of several that a link gave is enough."""
    return [str(row["Names"][0]).removeprefix("/") for row in rows if row.get("Names")]
