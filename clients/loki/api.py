"""Loki's HTTP API (https://grafana.com/docs/loki/latest/reference/loki-http-api/).

Its errors are plain text; an answer without anything to tell has no `data` at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from clients import failures
from clients.failures import Server
from clients.http import JsonApi, Parameters
from clients.loki.entries import CATEGORISED, Entry, entries_of, nanoseconds_of
from clients.loki.settings import LokiSettings
from clients.matrix import Grid, seconds
from core.clock import Clock
from core.errors import SourceRejected
from core.frames import Frame
from core.models import Model, Utc, Window

T = TypeVar("T")
Direction = Literal["forward", "backward"]

_OVER_LIMIT = re.compile(r"limit > max_entries_limit_per_query \(\d+ > (\d+)\)")
_PREFIX = "/loki/api/v1"
_NAMES = TypeAdapter(tuple[str, ...])
_LABELS = TypeAdapter(tuple[dict[str, str], ...])


class LogPattern(Model):
    """A template that Loki's pattern ingester found, and how many lines fitted it in the window."""

    pattern: str
    level: str = ""
    count: int


class LabelledValue(Model):
    """A number with labels: lines, bytes, or whatever a metric query counts."""

    labels: dict[str, str]
    value: float


class LokiApi:
    """One method a call; raises as `clients.http.JsonApi.get_json`.

    Args:
        settings: where it is, and the tenant.
    """

    def __init__(self, settings: LokiSettings, clock: Clock) -> None:
        self.server = Server("Loki", "loki", settings.url)
        self._http = JsonApi(self.server, settings, clock, {**settings.scope, **CATEGORISED})
        self.page_lines = settings.page_lines

    async def entries(self, query: str, start: int, end: int, limit: int, direction: Direction) -> list[Entry]:
        """Up to `limit` entries of ``[start, end)`` nanoseconds, from that end of it, sorted by time.

        A tenant may have a tighter limit than asked for: `page_lines` then sinks to it.
        """
        while True:
            try:
                return await self._entries(query, start, end, min(limit, self.page_lines), direction)
            except SourceRejected as error:
                tighter = _OVER_LIMIT.search(error.message)
                if tighter is None or int(tighter.group(1)) >= self.page_lines or int(tighter.group(1)) < 1:
                    raise
                self.page_lines = int(tighter.group(1))

    async def _entries(self, query: str, start: int, end: int, limit: int, direction: Direction) -> list[Entry]:
        given: Parameters = {"query": query, "start": start, "end": end, "limit": limit, "direction": direction}
        data = await self._data("/query_range", given)
        if not data:
            return []
        if data.get("resultType") != "streams":
            raise failures.unexpected(self.server, "a log query answered with numbers")
        return self._read(lambda: entries_of(data["result"]))

    async def instant(self, query: str, moment: Utc) -> tuple[LabelledValue, ...]:
        """A metric query at one time; Loki refuses log queries here."""
        data = await self._data("/query", {"query": query, "time": nanoseconds_of(moment)})
        return self._vector(data)

    async def matrix(self, query: str, window: Window, step_seconds: float) -> Frame:
        """A metric query on a grid."""
        grid = Grid.of(window, step_seconds)
        results: list[Any] = []
        for piece in grid.pieces():
            given: Parameters = {
                "query": query,
                "start": piece.start_milliseconds * 1_000_000,
                # Loki refuses a range of no length; the millisecond more holds no further point.
                "end": piece.end_milliseconds * 1_000_000 + 1_000_000,
                "step": seconds(grid.step_milliseconds),
            }
            data = await self._data("/query_range", given)
            results.append(data.get("result", []) if data else [])
        return self._read(lambda: grid.frame(results))

    async def labels(self, window: Window) -> tuple[str, ...]:
        """Names of stream labels."""
        data = await self._data("/labels", _span(window))
        return self._read(lambda: _NAMES.validate_python(data or ()))

    async def recent_labels(self) -> tuple[str, ...]:
        """Names of the stream labels of the last hour by the server's own clock."""
        data = await self._data("/labels", {"since": "1h"})
        return self._read(lambda: _NAMES.validate_python(data or ()))

    async def label_values(self, name: str, window: Window) -> tuple[str, ...]:
        """Values of a stream label; none when it is unknown."""
        if not (name.isidentifier() and name.isascii()):
            raise SourceRejected(f"{name!r} is no label name", fix="use letters, digits and underscores")
        data = await self._data(f"/label/{name}/values", _span(window))
        return self._read(lambda: _NAMES.validate_python(data or ()))

    async def series(self, selectors: Sequence[str], window: Window) -> tuple[dict[str, str], ...]:
        """The labels of every stream that one of the selectors selects."""
        data = await self._data("/series", {**_span(window), "match[]": list(selectors)})
        return self._read(lambda: _LABELS.validate_python(data or ()))

    async def volume(self, selector: str, window: Window, by: str) -> tuple[LabelledValue, ...]:
        """Bytes written, by the values of a label, most first."""
        given = {**_span(window), "query": selector, "targetLabels": by}
        return self._vector(await self._data("/index/volume", given))

    async def patterns(self, selector: str, window: Window) -> tuple[LogPattern, ...]:
        """Templates of lines, most frequent first; none where the server has no pattern ingester (404)."""
        data = await self._data("/patterns", {**_span(window), "query": selector}, optional=True)
        found = self._read(
            lambda: [
                LogPattern(
                    pattern=each["pattern"], level=each.get("level", ""), count=sum(n for _, n in each["samples"])
                )
                for each in data or ()
            ]
        )
        return tuple(sorted(found, key=lambda each: -each.count))

    async def version(self) -> tuple[str, Mapping[str, str]]:
        """Its version, and the headers of the answer."""
        answer = await self._http.get(f"{_PREFIX}/status/buildinfo")
        document = await self._http.read(answer)
        return self._read(lambda: str(document["version"])), answer.headers

    async def _data(self, path: str, parameters: Parameters, *, optional: bool = False) -> Any:
        document = await self._http.get_json(f"{_PREFIX}{path}", parameters, optional=optional)
        if document is None:
            return None
        if not isinstance(document, dict) or document.get("status") != "success":
            raise failures.unexpected(self.server, "no success")
        return document.get("data")

    def _vector(self, data: Any) -> tuple[LabelledValue, ...]:
        return self._read(
            lambda: tuple(
                LabelledValue(labels=each["metric"], value=float(each["value"][1]))
                for each in (data or {}).get("result", ())
            )
        )

    def _read(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except (LookupError, TypeError, ValueError, AttributeError, ValidationError) as error:
            raise failures.unexpected(self.server, f"{type(error).__name__} {error}") from error


def _span(window: Window) -> dict[str, Any]:
    return {"start": nanoseconds_of(window.start), "end": nanoseconds_of(window.end)}
