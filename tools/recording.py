"""Ports that pass every call on and keep what came back, so that the same look can be taken again offline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from clients import recorded
from core.changes import ChangePage, ChangeQuery, cleaned
from core.errors import ActuatorError, SourceError
from core.frames import BaselineQuery, Frame, LogPage, LogQuery, MetricQuery, SeriesBaseline
from core.models import ActionOutcome, Change, Service, ServiceState, TemplatePage, TemplateQuery, Utc, Window
from core.ports import BaselineSource, ChangeSource, SourceStatus, TemplateMemory, TraceSource
from core.redaction import redact_text
from core.traces import SpanPage, TraceQuery
from stores.recordings import Recording
from tools.once import AskedOnce
from tools.sources import Sources

T = TypeVar("T")


@dataclass(slots=True)
class Recorder:
    """Collects the calls behind one piece of evidence, in the order in which they were answered."""

    evidence_id: str
    now: datetime
    calls: list[Recording] = field(default_factory=list)

    def sources(self, live: Sources) -> Sources:
        """`live`, with every read recorded."""
        return Sources(
            metrics=_Metrics(live, self),
            logs=_Logs(live, self),
            actuators=(_Actuators(live, self),),
            traces=None if live.traces is None else _Traces(live.traces, self),
            baselines=None if live.baselines is None else _Baselines(live.baselines, self),
            changes=None if live.changes is None else _Reported(live.changes, self),
            templates=None if live.templates is None else _Templates(live.templates, self),
        )

    async def call(self, port: str, key: str, ask: Awaitable[T], encode: Callable[[T], bytes]) -> T:
        """Wait for an answer and keep it; an error of the source is kept and raised again."""
        try:
            answer = await ask
        except SourceError as error:
            self._keep(port, key, recorded.encode_error(error))
            raise
        self._keep(port, key, encode(answer))
        return answer

    def _keep(self, port: str, key: str, payload: bytes) -> None:
        self.calls.append(Recording(evidence_id=self.evidence_id, port=port, key=key, payload=payload))


class _Metrics:
    def __init__(self, live: Sources, recorder: Recorder) -> None:
        self.name = live.metrics.name
        self._live = live.metrics
        self._recorder = recorder

    async def query(self, query: MetricQuery) -> Frame:
        ask = self._live.query(query)
        return await self._recorder.call(recorded.METRICS, query.key, ask, recorded.encode_frame)

    async def status(self) -> SourceStatus:
        return await self._live.status()


class _Baselines:
    def __init__(self, live: BaselineSource, recorder: Recorder) -> None:
        self._live = live
        self._recorder = recorder

    async def baseline(self, query: BaselineQuery) -> SeriesBaseline:
        ask = self._live.baseline(query)
        return await self._recorder.call(recorded.BASELINES, query.key, ask, recorded.encode_baseline)


class _Templates:
    def __init__(self, live: TemplateMemory, recorder: Recorder) -> None:
        self._live = live
        self._recorder = recorder

    async def classes(self, query: TemplateQuery) -> TemplatePage:
        ask = self._live.classes(query)
        return await self._recorder.call(recorded.TEMPLATES, query.key, ask, recorded.encode_templates)


class _Reported:
    def __init__(self, live: ChangeSource, recorder: Recorder) -> None:
        self.name = live.name
        self._live = live
        self._recorder = recorder

    async def query(self, query: ChangeQuery) -> ChangePage:
        ask = self._live.query(query)
        return await self._recorder.call(recorded.REPORTED, query.key, ask, recorded.encode_reported)

    async def status(self) -> SourceStatus:
        return await self._live.status()


class _Logs:
    def __init__(self, live: Sources, recorder: Recorder) -> None:
        self.name = live.logs.name
        self._live = live.logs
        self._recorder = recorder

    async def query(self, query: LogQuery) -> LogPage:
        ask = self._redacted(query)
        return await self._recorder.call(recorded.LOGS, query.key, ask, recorded.encode_page)

    async def _redacted(self, query: LogQuery) -> LogPage:
        """Secrets in log lines end here: they reach neither the record, nor a digest, nor an export."""
        page = await self._live.query(query)
        lines = tuple(line.model_copy(update={"text": redact_text(line.text)}) for line in page.lines)
        return page.model_copy(update={"lines": lines})

    async def status(self) -> SourceStatus:
        return await self._live.status()


class _Traces:
    def __init__(self, live: TraceSource, recorder: Recorder) -> None:
        self.name = live.name
        self._live = live if isinstance(live, AskedOnce) else AskedOnce(live)
        self._recorder = recorder

    async def query(self, query: TraceQuery) -> SpanPage:
        ask = self._live.query(query)
        return await self._recorder.call(recorded.TRACES, query.key, ask, lambda page: self._live.encoded(query, page))

    async def status(self) -> SourceStatus:
        return await self._live.status()


class _Actuators:
    """All actuators as one that owns every service, so that `nothing owns it` is recorded like any other answer.

    Secrets in what a health check printed, or in how a change is told, end here, as those of log lines do.
    """

    name = "actuators"

    def __init__(self, live: Sources, recorder: Recorder) -> None:
        self._live = live
        self._recorder = recorder

    def owns(self, service: Service) -> bool:
        return True

    async def state(self, service: Service) -> ServiceState:
        async def ask() -> ServiceState:
            state = await self._live.seeing(service).state(service)
            return state.model_copy(update={"health_detail": redact_text(state.health_detail)})

        key = recorded.state_key(service.name, self._recorder.now)
        return await self._recorder.call(recorded.STATE, key, ask(), recorded.encode_state)

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        async def ask() -> Sequence[Change]:
            return [cleaned(change) for change in await self._live.seeing(service).changes(service, window)]

        key = recorded.changes_key(service.name, window, self._recorder.now)
        return await self._recorder.call(recorded.CHANGES, key, ask(), recorded.encode_changes)

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        """A query never acts.

        Raises:
            ActuatorError: always.
        """
        raise ActuatorError(f"{action} of {service.name}: queries only read", fix="propose the action instead")

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        return None

    async def status(self) -> SourceStatus:
        return SourceStatus(name=self.name, configured=bool(self._live.actuators))
