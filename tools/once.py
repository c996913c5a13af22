"""A trace source that several questions of one look share."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import cache

from clients.recorded import encode_spans
from core.errors import SourceError
from core.ports import SourceStatus, TraceSource
from core.redaction import redact_text
from core.traces import Span, SpanPage, TraceQuery


class AskedOnce:
    """A `core.ports.TraceSource` that passes equal queries on once: their answer is the same for all who ask.

    The digests of a caller and of the service it calls rest on the same spans. Asked twice, the source works twice,
    and spans that came in between would stand in one digest and be missing from the record.

    Secrets in spans end here: they reach neither the record, nor a digest, nor an export.
    """

    def __init__(self, source: TraceSource) -> None:
        self.name = source.name
        self._source = source
        self._answers: dict[str, SpanPage | SourceError] = {}
        self._encoded: dict[str, bytes] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def query(self, query: TraceQuery) -> SpanPage:
        """The source's answer; raises as the source did, for everybody who asks the same."""
        async with self._turns[query.key]:
            if query.key not in self._answers:
                try:
                    self._answers[query.key] = redacted(await self._source.query(query))
                except SourceError as error:
                    self._answers[query.key] = error
        answer = self._answers[query.key]
        if isinstance(answer, SourceError):
            raise answer
        return answer

    def encoded(self, query: TraceQuery, page: SpanPage) -> bytes:
        """The answer as it is recorded, written once."""
        if query.key not in self._encoded:
            self._encoded[query.key] = encode_spans(page)
        return self._encoded[query.key]

    async def status(self) -> SourceStatus:
        return await self._source.status()


def redacted(page: SpanPage) -> SpanPage:
    """The page with everything that looks like a secret hidden: texts of spans are whatever a sender put there."""
    hide = cache(redact_text)  # texts repeat from span to span

    def clean(span: Span) -> Span:
        told = {"name": hide(span.name), "message": hide(span.message)}
        attributes = {key: hide(text) for key, text in span.attributes.items()}
        if (told["name"], told["message"], attributes) == (span.name, span.message, span.attributes):
            return span
        return span.model_copy(update={**told, "attributes": attributes})

    return page.model_copy(update={"spans": tuple(clean(span) for span in page.spans)})
