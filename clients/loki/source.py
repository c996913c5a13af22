"""`core.ports.LogSource` over Loki."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from clients import failures
from clients.loki.api import LokiApi
from clients.loki.entries import Entry, nanoseconds_of, selector
from clients.loki.paging import pages
from clients.loki.settings import LokiSettings
from clients.loki.tail import Tail
from core.clock import Clock
from core.errors import ConfigError, SourceError, SourceRejected
from core.frames import LogLine, LogPage, LogQuery
from core.models import Utc
from core.ports import SourceStatus

MIN_VERSION = (2, 0)


class LokiLogs:
    """A `core.ports.LogSource`.

    Args:
        settings: where it is, and the tenant.
        streams: stream labels of each service; others are looked for by `service_label`. Looked at anew for each
            question, since what runs changes.
    """

    name = "loki"

    def __init__(self, settings: LokiSettings, streams: Mapping[str, Mapping[str, str]], clock: Clock) -> None:
        self.api = LokiApi(settings, clock)
        self._settings = settings
        self._streams = streams
        self._clock = clock

    def selector(self, service: str) -> str:
        """LogQL that selects the service's streams.

        Raises:
            SourceRejected: its labels select nothing.
        """
        return selector(self._streams.get(service) or {self._settings.service_label: service})

    async def query(self, query: LogQuery) -> LogPage:
        """Lines of the service with ``start <= at < end``, oldest first.

        Raises:
            SourceUnavailable: refused, late, cut off, overloaded.
            SourceRejected: a bad cursor, credentials, a window longer than the server allows, or no Loki there.
            ConfigError: the TLS files cannot be used.
        """
        start, skip = _resume(query)
        end = nanoseconds_of(query.window.end)
        wanted = skip + query.limit + 1
        found: list[Entry] = []
        async for page in pages(self.api, self.selector(query.service), start, end, page_lines=wanted):
            found += page
            if len(found) >= wanted:
                break
        given = found[skip : skip + query.limit]
        more = len(found) > skip + query.limit
        return LogPage(
            lines=tuple(entry.line(query.service) for entry in given),
            cursor=_cursor(given, start, skip) if more else "",
        )

    async def tail(self, service: str, since: Utc) -> AsyncIterator[LogLine]:
        """Lines of the service from a time on, for ever, each once; a lost connection is made again.

        Raises:
            SourceRejected: the server will never answer this.
            ConfigError: the TLS files cannot be used.
        """
        tail = Tail(self.api, self._settings, self.selector(service), nanoseconds_of(since), self._clock)
        async for entry in tail.entries():
            yield entry.line(service)

    async def status(self) -> SourceStatus:
        """Reachable when it answers as a Loki and holds a stream of the last hour."""
        if not self._settings.url:
            return SourceStatus(name=self.name, configured=False, fix="set loki.url, or list logs.files")
        try:
            version, headers = await self.api.version()
            labels = await self.api.recent_labels()
        except (SourceError, ConfigError) as error:
            return SourceStatus(name=self.name, configured=True, detail=error.message, fix=error.fix)
        skew = failures.skew_told(headers, self._clock.now())
        detail = f"{len(labels)} stream labels"
        fix = "set both clocks by NTP" if skew else ""
        if not labels:
            detail, fix = (
                "no stream of the last hour",
                "let an agent such as Vector send it logs, or correct loki.tenant",
            )
        if failures.older(version, MIN_VERSION):
            detail, fix = f"version {version} is too old", "upgrade Loki"
        return SourceStatus(
            name=self.name,
            configured=True,
            reachable=bool(labels) and not failures.older(version, MIN_VERSION),
            version=version,
            detail="; ".join([detail, *([skew] if skew else [])]),
            fix=fix,
        )


def _resume(query: LogQuery) -> tuple[int, int]:
    """Where to go on, in nanoseconds, and how many entries of that time were handed out already."""
    if not query.cursor:
        return nanoseconds_of(query.window.start), 0
    moment, _, count = query.cursor.partition("#")
    if not (moment.isdecimal() and count.isdecimal() and len(query.cursor) < 64):
        raise SourceRejected(
            f"not a cursor of this source: {query.cursor[:80]}", fix="pass the cursor of the page before"
        )
    return max(int(moment), nanoseconds_of(query.window.start)), int(count)


def _cursor(given: list[Entry], start: int, skip: int) -> str:
    last = given[-1].nanoseconds
    handed_out = sum(entry.nanoseconds == last for entry in given) + (skip if last == start else 0)
    return f"{last}#{handed_out}"
