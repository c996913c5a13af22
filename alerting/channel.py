"""What every channel is, and the one way in which they speak HTTP without giving their secret away."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any, Protocol

import httpx
from pydantic import SecretStr

from alerting.messages import Message
from clients.retry_after import retry_after_seconds
from core.clock import Clock
from core.errors import ConfigError, NotificationError

_MAX_ANSWER_BYTES = 256
_ERROR_CODE = re.compile(r"[a-z]{2,20}(_[a-z]{2,20}){1,4}")
_RETRIED_STATUSES = frozenset({408, 425, 429})


class Channel(Protocol):
    """Somewhere a human is reached."""

    name: str

    async def send(self, message: Message, key: str) -> None:
        """Deliver a message, at least once per key.

        Raises:
            NotificationError: the channel did not take it.
        """
        ...


class Endpoint:
    """A secret URL that takes JSON.

    Args:
        name: the channel's name, the only thing that errors call it.
        url: http or https.
        timeout_seconds: for the whole exchange.

    Raises:
        ConfigError: the URL is none.
    """

    def __init__(
        self, name: str, url: SecretStr, timeout_seconds: float, client: httpx.AsyncClient, clock: Clock
    ) -> None:
        self._name = name
        self._url = _checked(name, url)
        self._timeout_seconds = timeout_seconds
        self._client = client
        self._clock = clock

    async def post(self, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """Post, and take any 2xx for success. Redirects are not followed, as they would take the body elsewhere.

        Raises:
            NotificationError: retryable after 408, 425, 429, 5xx, a timeout or no connection.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                async with self._client.stream("POST", self._url, json=body, headers=headers) as response:
                    answer = await anext(response.aiter_bytes(_MAX_ANSWER_BYTES), b"")
        except TimeoutError:
            raise self._failure(f"no answer within {self._timeout_seconds:g} s") from None
        except httpx.HTTPError as error:
            # Only the kind of error: its text, and its request as the cause of ours, hold the secret URL.
            raise self._failure(f"no connection ({type(error).__name__})") from None
        if not response.is_success:
            raise self._refusal(response, answer)

    def _failure(self, what: str) -> NotificationError:
        return NotificationError(
            f"{self._name}: {what}", retryable=True, fix="check that the channel's server can be reached from here"
        )

    def _refusal(self, response: httpx.Response, answer: bytes) -> NotificationError:
        code = answer.decode(errors="replace").strip()
        detail = f" {code}" if _ERROR_CODE.fullmatch(code) else ""
        return NotificationError(
            f"{self._name}: answered {response.status_code}{detail}",
            retryable=response.status_code in _RETRIED_STATUSES or response.is_server_error,
            retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After", ""), self._clock.now()),
            fix="check the channel's url under `notify:` in quell.yaml",
        )


def open_client() -> httpx.AsyncClient:
    """A client for channels, without a timeout of its own: `Endpoint` bounds the whole exchange.

    httpx writes each whole URL into its log: from here on the origin only.
    """
    logging.getLogger("httpx").addFilter(_hide_paths)
    return httpx.AsyncClient(follow_redirects=False, timeout=None, headers={"User-Agent": "quell"})  # noqa: S113 - see above


def _hide_paths(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(f"{x.scheme}://{x.host}/…" if isinstance(x, httpx.URL) else x for x in record.args)
    return True


def _checked(name: str, url: SecretStr) -> httpx.URL:
    try:
        parsed = httpx.URL(url.get_secret_value())
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(f"the url of {name} is no http or https URL", fix="correct it under `notify:` in quell.yaml")
    return parsed
