"""Recorded ports as implementations of the contracts: each call is recorded from a live source, then played back."""

from __future__ import annotations

import contextlib

from clients.recorded import RecordedLogs, RecordedMetrics
from core.errors import SourceError
from core.frames import Frame, LogPage, LogQuery, MetricQuery
from core.ports import LogSource, MetricsSource, SourceStatus
from tests.tools.world import NOON, Logs, Metrics
from tools.recording import Recorder
from tools.sources import Sources


class _Tape:
    """One recording under way."""

    def __init__(self, metrics: MetricsSource, logs: LogSource) -> None:
        self._recorder = Recorder("ev_1", NOON)
        self.live = self._recorder.sources(Sources(metrics, logs))

    async def look_up(self, port: str, key: str) -> bytes | None:
        calls = self._recorder.calls
        return next((call.payload for call in calls if (call.port, call.key) == (port, key)), None)


class PlayedMetrics:
    """Whatever the live source answers, an error too, comes from its recording."""

    def __init__(self, live: MetricsSource) -> None:
        self._tape = _Tape(live, Logs())
        self._recorded = RecordedMetrics(self._tape.look_up)
        self.name = self._recorded.name

    async def query(self, query: MetricQuery) -> Frame:
        with contextlib.suppress(SourceError):
            await self._tape.live.metrics.query(query)
        return await self._recorded.query(query)

    async def status(self) -> SourceStatus:
        return await self._recorded.status()


class PlayedLogs:
    """Whatever the live source answers, an error too, comes from its recording."""

    def __init__(self, live: LogSource) -> None:
        self._tape = _Tape(Metrics(), live)
        self._recorded = RecordedLogs(self._tape.look_up)
        self.name = self._recorded.name

    async def query(self, query: LogQuery) -> LogPage:
        with contextlib.suppress(SourceError):
            await self._tape.live.logs.query(query)
        return await self._recorded.query(query)

    async def status(self) -> SourceStatus:
        return await self._recorded.status()
