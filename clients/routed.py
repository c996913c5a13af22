"""Two log sources as one: each service is asked where its log is."""

from __future__ import annotations

from collections.abc import Container

from core.frames import LogPage, LogQuery
from core.ports import LogSource, SourceStatus


class RoutedLogs:
    """A `core.ports.LogSource`.

    Args:
        first: has the logs of some services.
        has: names of those services; looked at anew for each question, since what runs changes.
        otherwise: asked for all others.
    """

    def __init__(self, first: LogSource, has: Container[str], otherwise: LogSource) -> None:
        self._first = first
        self._has = has
        self._otherwise = otherwise
        self.name = f"{first.name}+{otherwise.name}"

    async def query(self, query: LogQuery) -> LogPage:
        """Lines of the service; raises as the source that has them."""
        source = self._first if query.service in self._has else self._otherwise
        return await source.query(query)

    async def status(self) -> SourceStatus:
        """The first that does not answer, else both together."""
        found = [await source.status() for source in (self._first, self._otherwise)]
        broken = next((each for each in found if each.configured and not each.reachable), None)
        told = broken or next((each for each in found if each.configured), found[-1])
        detail = "; ".join(f"{each.name}: {each.detail}" for each in found if each.configured)
        return told.model_copy(update={"name": self.name, "detail": detail or told.detail})
