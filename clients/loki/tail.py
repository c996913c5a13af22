"""Live lines over WebSocket, without gap or repeat across broken connections.

Loki's `tail` sends what arrives while it is connected, and of what was written before only a bounded number. So after
each connection the lines since the last known one are fetched by pages, with some overlap for lines that arrived late;
what was given before is left out. When Loki says that it dropped entries for a slow reader, those are fetched too.
https://grafana.com/docs/loki/latest/reference/loki-http-api/#stream-logs
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import structlog
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from clients import failures
from clients.http import USER_AGENT
from clients.loki.api import LokiApi
from clients.loki.entries import Entry, entries_of, nanoseconds_of
from clients.loki.paging import pages
from clients.loki.settings import LokiSettings
from core.clock import Clock
from core.errors import SourceError, SourceRejected, SourceUnavailable

log = structlog.get_logger(__name__)

SECOND = 1_000_000_000
OVERLAP = 10 * SECOND
"""How much is read again after a broken connection: lines may arrive this late."""

_MEMORY = 300 * SECOND
_AHEAD = 3600 * SECOND
_MAX_REMEMBERED = 200_000
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 30.0
_NEVER_TAILED = "only log selector is supported"


class Seen:
    """Entries that were given already.

    A tailed entry may lack labels that the same entry has when it is queried (what the server detected or parsed), so
    two entries are one when time and text are the same and no label that both have differs.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], list[Mapping[str, str]]] = {}

    def add(self, entry: Entry) -> bool:
        """Remember an entry; False when it was known."""
        labels = {**dict(entry.labels), **dict(entry.attached)}
        same = self._known.setdefault((entry.nanoseconds, entry.text), [])
        if any(all(labels.get(name, value) == value for name, value in other.items()) for other in same):
            return False
        same.append(labels)
        return True

    def forget(self, before: int) -> None:
        """Let go of entries before a time, when there are many."""
        if len(self._known) > _MAX_REMEMBERED // 2:
            self._known = {key: labels for key, labels in self._known.items() if key[0] >= before}
        while len(self._known) > _MAX_REMEMBERED:
            del self._known[next(iter(self._known))]


class _Direct(connect):
    """Follows no redirect: it would take the credentials elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Tail:
    """One tail, for one reader.

    Args:
        api: for the lines that the tail does not send.
        query: a log selector, with filters if need be.
        since: nanoseconds since the epoch from which on lines are wanted.
    """

    def __init__(self, api: LokiApi, settings: LokiSettings, query: str, since: int, clock: Clock) -> None:
        self._api = api
        self._settings = settings
        self._query = query
        self._since = since
        self._position = since
        self._clock = clock
        self._seen = Seen()
        self._failures = 0

    async def entries(self) -> AsyncIterator[Entry]:
        """Entries as they come, for ever; late ones are out of order. A lost connection is made again.

        Raises:
            SourceRejected: the server will never answer this: a bad query, credentials, no Loki there.
            ConfigError: the TLS files cannot be used.
        """
        while True:
            try:
                async for entry in self._connected():
                    yield entry
            except SourceUnavailable as error:
                pause = self._pause_seconds(error)
                log.info("loki_tail_interrupted", query=self._query, error=error.message, again_in_seconds=pause)
                await self._clock.sleep(pause)

    async def _connected(self) -> AsyncIterator[Entry]:
        """Entries of one connection.

        Raises:
            SourceError: it broke, or could not be made.
        """
        try:
            async with self._connection() as socket:
                async for entry in self._new(self._position - OVERLAP):
                    yield entry
                async for message in socket:
                    self._failures = 0
                    entries, dropped_since = self._read(message)
                    if dropped_since is not None:
                        log.warning("loki_tail_dropped", query=self._query, since=dropped_since)
                        async for entry in self._new(dropped_since):
                            yield entry
                    for entry in entries:
                        if self._is_new(entry):
                            yield entry
            raise SourceUnavailable(f"{self._api.server.label} ended the tail", fix="it is made again by itself")
        except SourceError:
            raise
        except InvalidStatus as error:
            answer = error.response
            headers = {name.lower(): value for name, value in answer.headers.raw_items()}
            detail = bytes(answer.body or b"").decode("utf-8", errors="replace")
            raise failures.refusal(self._api.server, answer.status_code, detail, headers, self._clock.now()) from error
        except ConnectionClosed as error:
            raise self._closed(error) from error
        except TimeoutError:
            raise failures.late(self._api.server, self._settings.timeout_seconds) from None
        except (InvalidHandshake, OSError) as error:
            raise failures.unreachable(self._api.server, error) from error

    def _connection(self) -> connect:
        settings = self._settings
        given = {"query": self._query, "start": self._position, "limit": 1}
        address = f"ws{settings.url.removeprefix('http')}/loki/api/v1/tail?{urlencode(given)}"
        return _Direct(
            address,
            additional_headers={**settings.headers, **settings.scope},
            user_agent_header=USER_AGENT,
            ssl=settings.tls_context() if settings.url.startswith("https") else None,
            open_timeout=settings.timeout_seconds,
            max_size=settings.max_body_bytes,
            proxy=None,
        )

    async def _new(self, since: int) -> AsyncIterator[Entry]:
        """What is stored since a time and was not given yet; the end lies ahead, as the server's clock may."""
        end = nanoseconds_of(self._clock.now()) + _AHEAD
        async for page in pages(self._api, self._query, max(since, self._since), end):
            for entry in page:
                if self._is_new(entry):
                    yield entry

    def _is_new(self, entry: Entry) -> bool:
        if entry.nanoseconds < self._since or not self._seen.add(entry):
            return False
        self._position = max(self._position, entry.nanoseconds)
        self._seen.forget(self._position - _MEMORY)
        return True

    def _read(self, message: str | bytes) -> tuple[list[Entry], int | None]:
        try:
            document = json.loads(message)
            dropped = [_dropped_at(each) for each in document.get("dropped_entries") or ()]
            return entries_of(document.get("streams") or ()), min(dropped, default=None)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise SourceUnavailable(
                f"{self._api.server.label} sent a frame that cannot be read: {type(error).__name__}",
                fix="look at the log of Loki, and at any proxy between",
            ) from error

    def _closed(self, error: ConnectionClosed) -> SourceError:
        reason = error.rcvd.reason if error.rcvd else ""
        if _NEVER_TAILED in reason:
            return SourceRejected(f"{self._api.server.label}: {reason}", fix="tail a log selector, not a metric query")
        return SourceUnavailable(
            f"{self._api.server.label} closed the tail: {reason or 'without a word'}"[:400],
            fix="it is made again by itself; look at the log of Loki when that goes on",
        )

    def _pause_seconds(self, error: SourceUnavailable) -> float:
        pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return max(error.retry_after_seconds or 0.0, pause * random.uniform(0.5, 1.0))


def _dropped_at(each: Any) -> int:
    """The time of a dropped entry, which Loki writes as RFC 3339 or as nanoseconds."""
    value = each["timestamp"]
    if isinstance(value, str) and not value.isdecimal():
        return nanoseconds_of(datetime.fromisoformat(value))
    return int(value)
