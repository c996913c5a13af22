"""A trace source that several questions of one look share."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from core.errors import SourceError
from core.ports import SourceStatus, TraceSource
from core.traces import SpanPage, TraceQuery


class AskedOnce:
    """A `core.ports.TraceSource` that passes equal queries on once: their answer is the same for all who ask.

    The digests of a caller and of the service it calls rest on the same spans. Asked twice, the source works twice,
    and spans that came in between would stand in one digest and be missing from the record.
    """

    def __init__(self, source: TraceSource) -> None:
        self.name = source.name
        self._source = source
        self._answers: dict[str, SpanPage | SourceError] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def query(self, query: TraceQuery) -> SpanPage:
        """The source's answer; raises as the source did, for everybody who asks the same."""
        async with self._turns[query.key]:
            if query.key not in self._answers:
                try:
                    self._answers[query.key] = await self._source.query(query)
                except SourceError as error:
                    self._answers[query.key] = error
        answer = self._answers[query.key]
        if isinstance(answer, SourceError):
            raise answer
        return answer

    async def status(self) -> SourceStatus:
        return await self._source.status()
