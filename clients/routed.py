"""Several log sources as one: each service is asked where its log is."""

from __future__ import annotations

from collections.abc import Mapping

from core.frames import LogPage, LogQuery
from core.ports import LogSource, SourceStatus


class RoutedLogs:
    """A `core.ports.LogSource`.

    Args:
        routes: the source of each service that has one of its own.
        otherwise: asked for all others.
    """

    def __init__(self, routes: Mapping[str, LogSource], otherwise: LogSource) -> None:
        self._routes = dict(routes)
        self._otherwise = otherwise
        self.name = "+".join(dict.fromkeys((*(source.name for source in self._routes.values()), otherwise.name)))

    async def query(self, query: LogQuery) -> LogPage:
        """Lines of the service; raises as the source that has them."""
        return await self._routes.get(query.service, self._otherwise).query(query)

    async def status(self) -> SourceStatus:
        """The first that does not answer, else all together."""
        sources = list(dict.fromkeys((*self._routes.values(), self._otherwise)))
        found = [await source.status() for source in sources]
        broken = next((each for each in found if each.configured and not each.reachable), None)
        told = broken or next((each for each in found if each.configured), found[-1])
        detail = "; ".join(f"{each.name}: {each.detail}" for each in found if each.configured)
        return told.model_copy(update={"name": self.name, "detail": detail or told.detail})
