"""What the inside asks of the outside. Each port has an embedded implementation and one for a real server.

Implementations raise errors of `core.errors` only: `SourceUnavailable` when a retry can help, `SourceRejected` when
not, `ActuatorError` for actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pydantic import Field

from core.changes import ChangePage, ChangeQuery
from core.frames import BaselineQuery, Frame, LogPage, LogQuery, MetricQuery, SeriesBaseline
from core.llm import ModelReply, ModelRequest, ToolSpec
from core.models import (
    ActionOutcome,
    Change,
    Evidence,
    FaultKind,
    Model,
    Rung,
    Service,
    ServiceState,
    TemplatePage,
    TemplateQuery,
    Utc,
    Window,
)
from core.traces import SpanPage, TraceQuery


class SourceStatus(Model):
    """What `quell doctor` shows of an integration."""

    name: str
    configured: bool
    reachable: bool = False
    version: str = ""
    detail: str = ""
    fix: str = ""


class MetricsSource(Protocol):
    """Series by typed query."""

    name: str

    async def query(self, query: MetricQuery) -> Frame:
        """Series on the grid of the query; an unknown metric gives a frame without series."""
        ...

    async def status(self) -> SourceStatus: ...


class BaselineSource(Protocol):
    """What series usually are, from their history."""

    async def baseline(self, query: BaselineQuery) -> SeriesBaseline:
        """The usual of one series; without any part where its history is too short, or cannot be read."""
        ...


class TemplateMemory(Protocol):
    """What was found out about log templates that no rule knows."""

    async def classes(self, query: TemplateQuery) -> TemplatePage:
        """Those of one service; none where nothing was ever classified."""
        ...


class LogSource(Protocol):
    """Lines of one service in a window, oldest first."""

    name: str

    async def query(self, query: LogQuery) -> LogPage: ...

    async def status(self) -> SourceStatus: ...


class TraceSource(Protocol):
    """Spans of one service that began in a window, oldest first."""

    name: str

    async def query(self, query: TraceQuery) -> SpanPage:
        """The newest spans up to the limit; a service that nobody knows has none."""
        ...

    async def status(self) -> SourceStatus: ...


class ChangeSource(Protocol):
    """What was changed, besides what actuators see: commits, flags, deploys that a pipeline reported."""

    name: str

    async def query(self, query: ChangeQuery) -> ChangePage:
        """The changes of one service in a window, oldest first; commits may be older, as deploys come later."""
        ...

    async def status(self) -> SourceStatus: ...


class Actuator(Protocol):
    """Sees and changes what runs. One a kind of runtime; `Service.identity` says which one owns a service."""

    name: str

    def owns(self, service: Service) -> bool:
        """Whether this actuator can act on that service."""
        ...

    async def state(self, service: Service) -> ServiceState: ...

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        """What was changed on the service in the window, oldest first."""
        ...

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        """Carry an action out, once per key: a second call with the same key returns the first one's outcome.

        Raises:
            ActuatorError: the action is not possible here.
            SourceUnavailable: the runtime did not answer; whether the action happened is unknown.
        """
        ...

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        """Whether an action reserved at `since` has happened, by looking; None when that cannot be told."""
        ...

    async def status(self) -> SourceStatus: ...


class Recollection(Model):
    """A past resolution or runbook that matches."""

    id: str
    title: str
    kind: FaultKind
    action: str = ""
    similarity: float = Field(ge=0, le=1)
    successes: int = 0
    failures: int = 0


class Lesson(Model):
    """What an ended incident teaches: a draft until somebody curates it."""

    incident_id: str
    service: str
    symptoms: tuple[str, ...]
    cause: FaultKind
    statement: str
    action: str = ""
    recovered: bool


class Knowledge(Protocol):
    """Past resolutions and runbooks."""

    async def recall(self, service: str, symptoms: Sequence[str]) -> Sequence[Recollection]: ...

    async def draft(self, lesson: Lesson) -> str:
        """Keep a lesson; returns its id, empty when nothing keeps it. The same incident is kept once."""
        ...


class NullKnowledge:
    """Remembers nothing."""

    async def recall(self, service: str, symptoms: Sequence[str]) -> Sequence[Recollection]:
        return ()

    async def draft(self, lesson: Lesson) -> str:
        return ""


class ChatModel(Protocol):
    """The language models of one rung."""

    rung: Rung

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Answer once.

        Raises:
            ModelLate: no answer before the deadline.
            ModelUnavailable: refused, overloaded, known to be down, or no model for the task.
            OverBudget: the worst case does not fit what is left of a cap.
            DataStays: policy forbids data of the service to leave for this rung.
            SourceRejected: the request will never be answered.
        """
        ...

    async def status(self) -> SourceStatus: ...


class Toolbox(Protocol):
    """Read-only questions that a model may ask about one incident; none of them changes anything."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The questions, with the JSON Schema of what each takes."""
        ...

    async def look(self, name: str, arguments: Mapping[str, Any], *, last_try: bool) -> Evidence:
        """Ask, and store what came back before anybody can cite it. What was asked before is not asked again.

        Args:
            last_try: a source that does not answer now is stored as that, with `error`.

        Raises:
            InvalidInput: there is no such question, or its arguments name what does not exist.
            SourceUnavailable: the source did not answer, asking again may help, and nothing was stored.
        """
        ...

    async def recall(self, evidence_id: str) -> Evidence:
        """Evidence of this incident that was stored before.

        Raises:
            InvalidInput: there is none with that id.
        """
        ...
