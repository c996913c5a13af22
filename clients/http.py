"""One GET at a time to a server's JSON API, within bounds, failures as `core.errors`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from clients import failures
from clients.connection import ConnectionSettings
from clients.failures import Server
from core.clock import Clock
from core.errors import SourceRejected

Parameters = Mapping[str, str | int | float | Sequence[str]]

USER_AGENT = "quell"


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names in lower case, and the body."""

    headers: dict[str, str]
    body: bytes


class JsonApi:
    """Speaks to one server. Holds no connection between calls, so there is nothing to close.

    Redirects are not followed, as they would take the credentials elsewhere; nothing is retried.

    Args:
        server: whom errors talk about.
        settings: how it is reached.
        headers: sent with every request.
    """

    def __init__(
        self, server: Server, settings: ConnectionSettings, clock: Clock, headers: Mapping[str, str] | None = None
    ) -> None:
        self.server = server
        self._settings = settings
        self._clock = clock
        self._headers = {"User-Agent": USER_AGENT, **settings.headers, **(headers or {})}

    async def get_json(self, path: str, parameters: Parameters | None = None, *, optional: bool = False) -> Any:
        """The document at a path.

        Args:
            optional: 404 is no error then, but None.

        Raises:
            SourceUnavailable: refused, late, cut off, 429 or 5xx.
            SourceRejected: any other status, a body that is too large or no JSON, or no url is set.
            ConfigError: the TLS files cannot be used.
        """
        status, answer = await self._exchange(path, parameters)
        if optional and status == httpx.codes.NOT_FOUND:
            return None
        return await self.read(self._success(status, answer))

    async def read(self, answer: Answer) -> Any:
        """The document in an answer; large ones are read in a thread.

        Raises:
            SourceError: it is no JSON.
        """
        try:
            if len(answer.body) < 65536:
                return json.loads(answer.body)
            return await asyncio.to_thread(json.loads, answer.body)
        except (ValueError, RecursionError):
            raise failures.not_json(self.server, answer.headers.get("content-type", "")) from None

    async def get(self, path: str, parameters: Parameters | None = None) -> Answer:
        """The body at a path; raises as `get_json`."""
        return self._success(*await self._exchange(path, parameters))

    async def _exchange(self, path: str, parameters: Parameters | None) -> tuple[int, Answer]:
        settings = self._settings
        if not settings.url:
            raise SourceRejected(f"no {self.server.name} is configured", fix=f"set {self.server.section}.url")
        context = settings.tls_context()  # made once, which takes longer than some timeouts
        try:
            async with (
                asyncio.timeout(settings.timeout_seconds),
                httpx.AsyncClient(
                    verify=context,
                    timeout=settings.timeout_seconds,
                    headers=self._headers,
                    trust_env=False,
                ) as http,
                http.stream("GET", f"{settings.url}{path}", params=_plain(parameters)) as response,
            ):
                body = await self._body(response)
        except (TimeoutError, httpx.TimeoutException):
            raise failures.late(self.server, settings.timeout_seconds) from None
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError):
            raise failures.cut_off(self.server) from None
        except (httpx.HTTPError, OSError) as error:
            raise failures.unreachable(self.server, error) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status_code, Answer(headers, body)

    def _success(self, status: int, answer: Answer) -> Answer:
        if status != httpx.codes.OK:
            detail = answer.body.decode("utf-8", errors="replace")
            raise failures.refusal(self.server, status, detail, answer.headers, self._clock.now())
        return answer

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._settings.max_body_bytes:
                raise failures.too_large(self.server, self._settings.max_body_bytes)
        return bytes(body)


def _plain(parameters: Parameters | None) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | float) else list(value)
        for name, value in (parameters or {}).items()
    }
