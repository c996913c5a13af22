"""The ports played back from a recording: an incident's calls, as they were answered, without any source.

A recording is a set of answers by (port, key). `tools.recording` writes them with `encode_*`; the classes here read
them through a lookup, which may ask the store or a bundle's folder. A call that failed is recorded as its error and
fails again the same way.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from core.changes import ChangePage, ChangeQuery
from core.errors import ActuatorError, BundleError, SourceError, SourceRejected, SourceUnavailable
from core.frames import BaselineQuery, Frame, LogPage, LogQuery, MetricQuery, SeriesBaseline
from core.models import ActionOutcome, Change, Service, ServiceState, TemplatePage, TemplateQuery, Utc, Window
from core.ports import SourceStatus
from core.traces import SpanPage, TraceQuery

METRICS = "metrics"
BASELINES = "baselines"
LOGS = "logs"
TRACES = "traces"
STATE = "state"
CHANGES = "changes"
REPORTED = "reported"
TEMPLATES = "templates"

Lookup = Callable[[str, str], Awaitable[bytes | None]]
"""(port, key) to the recorded answer, None when there is none."""

_CHANGES = TypeAdapter(tuple[Change, ...])


def state_key(service: str, now: datetime) -> str:
    """A state is asked of a service at one instant."""
    return f"{service}|{now.isoformat()}"


def changes_key(service: str, window: Window, now: datetime) -> str:
    """Changes are asked of a service for one window, at one instant."""
    return f"{service}|{window.start.isoformat()}|{window.end.isoformat()}|{now.isoformat()}"


def encode_frame(frame: Frame) -> bytes:
    """A metrics answer."""
    return _wrapped(frame.to_json())


def encode_baseline(baseline: SeriesBaseline) -> bytes:
    """A baseline."""
    return _wrapped(baseline.model_dump(mode="json"))


def encode_page(page: LogPage) -> bytes:
    """A log answer."""
    return _wrapped(page.model_dump(mode="json"))


def encode_spans(page: SpanPage) -> bytes:
    """A trace answer."""
    return _wrapped(page.model_dump(mode="json"))


def encode_state(state: ServiceState) -> bytes:
    """A state."""
    return _wrapped(state.model_dump(mode="json"))


def encode_changes(changes: Sequence[Change]) -> bytes:
    """Changes."""
    return _wrapped(_CHANGES.dump_python(tuple(changes), mode="json"))


def encode_reported(page: ChangePage) -> bytes:
    """Reported changes."""
    return _wrapped(page.model_dump(mode="json"))


def encode_templates(page: TemplatePage) -> bytes:
    """What is known of templates."""
    return _wrapped(page.model_dump(mode="json"))


def encode_error(error: SourceError) -> bytes:
    """A source that did not answer."""
    told = {"message": error.message, "fix": error.fix, "retryable": error.retryable}
    return _bytes({"error": told})


class RecordedMetrics:
    """`core.ports.MetricsSource` from a recording."""

    def __init__(self, lookup: Lookup, name: str = "recording") -> None:
        self.name = name
        self._lookup = lookup

    async def query(self, query: MetricQuery) -> Frame:
        answer = await _answer(self._lookup, METRICS, query.key)
        try:
            return Frame.from_json(answer)
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(METRICS, query.key) from error

    async def status(self) -> SourceStatus:
        return _status(self.name)


class RecordedBaselines:
    """`core.ports.BaselineSource` from a recording; a look that used no history has none."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def baseline(self, query: BaselineQuery) -> SeriesBaseline:
        if await self._lookup(BASELINES, query.key) is None:
            return SeriesBaseline(until=query.until)
        answer = await _answer(self._lookup, BASELINES, query.key)
        try:
            return SeriesBaseline.model_validate(answer)
        except ValidationError as error:
            raise _damaged(BASELINES, query.key) from error


class RecordedTemplates:
    """`core.ports.TemplateMemory` from a recording; a look that asked nobody knows of none."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def classes(self, query: TemplateQuery) -> TemplatePage:
        if await self._lookup(TEMPLATES, query.key) is None:
            return TemplatePage()
        answer = await _answer(self._lookup, TEMPLATES, query.key)
        try:
            return TemplatePage.model_validate(answer)
        except ValidationError as error:
            raise _damaged(TEMPLATES, query.key) from error


class RecordedLogs:
    """`core.ports.LogSource` from a recording."""

    def __init__(self, lookup: Lookup, name: str = "recording") -> None:
        self.name = name
        self._lookup = lookup

    async def query(self, query: LogQuery) -> LogPage:
        answer = await _answer(self._lookup, LOGS, query.key)
        try:
            return LogPage.model_validate(answer)
        except ValidationError as error:
            raise _damaged(LOGS, query.key) from error

    async def status(self) -> SourceStatus:
        return _status(self.name)


class RecordedTraces:
    """`core.ports.TraceSource` from a recording."""

    def __init__(self, lookup: Lookup, name: str = "recording") -> None:
        self.name = name
        self._lookup = lookup

    async def query(self, query: TraceQuery) -> SpanPage:
        answer = await _answer(self._lookup, TRACES, query.key)
        try:
            return SpanPage.model_validate(answer)
        except ValidationError as error:
            raise _damaged(TRACES, query.key) from error

    async def status(self) -> SourceStatus:
        return _status(self.name)


class RecordedChanges:
    """`core.ports.ChangeSource` from a recording; a look that asked nobody has none."""

    def __init__(self, lookup: Lookup, name: str = "recording") -> None:
        self.name = name
        self._lookup = lookup

    async def query(self, query: ChangeQuery) -> ChangePage:
        if await self._lookup(REPORTED, query.key) is None:
            return ChangePage()
        answer = await _answer(self._lookup, REPORTED, query.key)
        try:
            return ChangePage.model_validate(answer)
        except ValidationError as error:
            raise _damaged(REPORTED, query.key) from error

    async def status(self) -> SourceStatus:
        return _status(self.name)


class RecordedActuator:
    """`core.ports.Actuator` from a recording: it sees what was seen and never acts.

    Args:
        now: the instant of the recorded look, as in `tools.context.QueryContext`.
    """

    def __init__(self, lookup: Lookup, now: datetime, name: str = "recording") -> None:
        self.name = name
        self._lookup = lookup
        self._now = now

    def at(self, now: datetime) -> RecordedActuator:
        """The same recording, at the instant of another look."""
        return RecordedActuator(self._lookup, now, self.name)

    def owns(self, service: Service) -> bool:
        return True

    async def state(self, service: Service) -> ServiceState:
        key = state_key(service.name, self._now)
        answer = await _answer(self._lookup, STATE, key)
        try:
            return ServiceState.model_validate(answer)
        except ValidationError as error:
            raise _damaged(STATE, key) from error

    async def changes(self, service: Service, window: Window) -> Sequence[Change]:
        key = changes_key(service.name, window, self._now)
        answer = await _answer(self._lookup, CHANGES, key)
        try:
            return _CHANGES.validate_python(answer)
        except ValidationError as error:
            raise _damaged(CHANGES, key) from error

    async def run(self, action: str, service: Service, parameters: dict[str, str], key: str) -> ActionOutcome:
        """Never acts.

        Raises:
            ActuatorError: always.
        """
        raise ActuatorError(f"{action} of {service.name}: a recording cannot be acted on", fix="act on the live system")

    async def observe(
        self, action: str, service: Service, parameters: dict[str, str], key: str, since: Utc
    ) -> bool | None:
        return None

    async def status(self) -> SourceStatus:
        return _status(self.name)


def _bytes(data: dict[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _wrapped(answer: Any) -> bytes:
    return _bytes({"answer": answer})


async def _answer(lookup: Lookup, port: str, key: str) -> Any:
    """The recorded answer, not yet validated.

    Raises:
        SourceError: the recorded call had failed, or was never made.
        BundleError: the recording cannot be read.
    """
    payload = await lookup(port, key)
    if payload is None:
        raise SourceRejected(f"{port} of {key} was not recorded", fix="export the incident again with this version")
    try:
        data = json.loads(payload)
        if "error" not in data:
            return data["answer"]
        told = data["error"]
        kind = SourceUnavailable if told["retryable"] else SourceRejected
        failure = kind(told["message"], fix=told["fix"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(port, key) from error
    raise failure


def _damaged(port: str, key: str) -> BundleError:
    return BundleError(f"the recorded {port} of {key} is damaged", fix="export the incident again")


def _status(name: str) -> SourceStatus:
    return SourceStatus(name=name, configured=True, reachable=True, detail="plays back a recording")
