"""Each service's log is asked for where it is; the word on all sources is that of the one that does not answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from clients.routed import RoutedLogs
from core.frames import LogLine, LogPage, LogQuery
from core.models import Window
from core.ports import SourceStatus

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


class Logs:
    """Answers with its own name."""

    def __init__(self, name: str, *, configured: bool = True, reachable: bool = True) -> None:
        self.name = name
        self._status = SourceStatus(name=name, configured=configured, reachable=reachable, detail=f"{name} told")

    async def query(self, query: LogQuery) -> LogPage:
        return LogPage(lines=(LogLine(at=NOON, service=query.service, text=self.name),))

    async def status(self) -> SourceStatus:
        return self._status


def ask(service: str) -> LogQuery:
    return LogQuery(service=service, window=Window(start=NOON, end=NOON + timedelta(seconds=1)))


async def test_a_service_is_asked_where_its_log_is() -> None:
    has = {"web"}
    logs = RoutedLogs(Logs("engine"), has, Logs("files"))
    assert (await logs.query(ask("web"))).lines[0].text == "engine"
    assert (await logs.query(ask("other"))).lines[0].text == "files"
    assert logs.name == "engine+files"
    has.add("other")
    assert (await logs.query(ask("other"))).lines[0].text == "engine", "what appeared later is asked there too"


async def test_the_source_that_does_not_answer_decides_the_status() -> None:
    logs = RoutedLogs(Logs("engine", reachable=False), {"web"}, Logs("files"))
    status = await logs.status()
    assert (status.name, status.configured, status.reachable) == ("engine+files", True, False)
    assert "files told" in status.detail


async def test_a_source_that_is_not_used_does_not_count() -> None:
    status = await RoutedLogs(Logs("engine"), {"web"}, Logs("files", configured=False, reachable=False)).status()
    assert status.reachable
    assert "files" not in status.detail
