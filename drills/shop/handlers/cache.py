"""The cache: JSON documents by key, the least recently used dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from drills.shop.roles import ServiceConfig
from drills.shop.web import Reply, Request, Route

MAX_ENTRIES = 10_000


class Entries:
    """A bounded mapping that several threads may use."""

    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self._limit = limit
        self._entries: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The document, None when it is not there."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: str, document: Mapping[str, Any]) -> None:
        """Keep a document, dropping the oldest ones beyond the limit."""
        with self._lock:
            self._entries[key] = document
            self._entries.move_to_end(key)
            while len(self._entries) > self._limit:
                self._entries.popitem(last=False)


def routes(config: ServiceConfig) -> tuple[Route, ...]:
    """``GET|PUT /entries/{key}``; a miss is an answer without a document, not an error."""
    entries = Entries()

    def read(request: Request) -> Reply:
        document = entries.get(request.variables["key"])
        return Reply({"found": document is not None, "document": document or {}})

    def write(request: Request) -> Reply:
        entries.put(request.variables["key"], request.body)
        return Reply({"stored": True})

    return (Route("GET", "/entries/{key}", read), Route("PUT", "/entries/{key}", write))
