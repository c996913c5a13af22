"""What a model may ask about an incident: the registered queries, and what was seen before."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agents.looking.calls import Desk
from agents.looking.progress import Bounds, Looked
from agents.looking.telling import Barred
from agents.redaction import Redactor
from core.errors import InvalidInput, NotFound, SourceUnavailable
from core.llm import ModelRequest, ToolSpec
from core.models import Evidence
from core.ports import ChatModel
from graphs.context import IncidentContext
from graphs.looking import look_further
from graphs.queries import query_context
from graphs.records import keep_evidence
from graphs.state import IncidentState
from tools.registry import query_tools
from tools.runner import asked_id
from tools.runner import look as ask_sources

MAX_NAMES = 5
Look = Callable[[ChatModel, ModelRequest, Redactor, Barred], Awaitable[Looked]]
"""A model, what it is asked, who hides what it must not see, and whose data it must not see, to its answer."""

SIGNAL_TOOL, TRACE_TOOL = "metric_digest", "trace_digest"


class IncidentTools:
    """`core.ports.Toolbox` over the sources of a run. Queries only: no action can be reached from here.

    A question is asked once an incident and window: what `gather` saw, or an earlier look, is read from the store. A
    source that was away for a moment and answered the second try is replayed as if it had answered the first.
    """

    def __init__(self, state: IncidentState, context: IncidentContext) -> None:
        self._incident_id = state["incident"].id
        self._context = context
        self._ask = query_context(state, context)
        measured = [spec.signal.value for spec in self._ask.signals]
        traced = self._ask.sources.traces is not None
        self._specs = tuple(
            _narrowed(tool, measured) if tool.name == SIGNAL_TOOL else tool
            for tool in query_tools()
            if traced or tool.name != TRACE_TOOL
        )

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The registered queries that have a source here, with the signals that are measured here."""
        return self._specs

    async def look(self, name: str, arguments: Mapping[str, Any], *, last_try: bool) -> Evidence:
        """Ask, and keep the evidence with the answers behind it; as `core.ports.Toolbox.look`."""
        names = [tool.name for tool in self._specs]
        if name not in names:
            raise InvalidInput(f"no tool {name!r}", path="name", fix=f"use one of {', '.join(names)}")
        self._known_service(arguments)
        known = await self._stored(asked_id(name, arguments, self._ask))
        if known is not None:
            return known
        seen = await ask_sources(name, arguments, self._ask)
        if seen.failure is not None and seen.failure.retryable and not last_try:
            raise SourceUnavailable(seen.failure.message, fix=seen.failure.fix) from seen.failure
        await keep_evidence([(seen.evidence, seen.calls)], self._context)
        return await self._stored(seen.evidence.id) or seen.evidence

    async def recall(self, evidence_id: str) -> Evidence:
        """Evidence of this incident; as `core.ports.Toolbox.recall`."""
        known = await self._stored(evidence_id)
        if known is None:
            raise InvalidInput(f"no evidence {evidence_id!r}", path="evidence_id", fix="use an id that was shown")
        return known

    async def _stored(self, evidence_id: str) -> Evidence | None:
        async with self._context.store.read() as tx:
            try:
                found = await tx.evidence.get(evidence_id)
            except NotFound:
                return None
        return found if found.incident_id == self._incident_id else None

    def _known_service(self, arguments: Mapping[str, Any]) -> None:
        name = arguments.get("service")
        if not isinstance(name, str) or not name or self._ask.inventory.get(name) is not None:
            return
        names = [service.name for service in self._ask.inventory.all()]
        alike = difflib.get_close_matches(name, names, n=MAX_NAMES, cutoff=0.4) or names[:MAX_NAMES]
        raise InvalidInput(
            f"no service {name!r} in the inventory", path="service", fix=f"it knows, among others, {', '.join(alike)}"
        )


def looker(state: IncidentState, context: IncidentContext, bounds: Bounds | None = None) -> Look:
    """How models of this run look further: on its windows and sources, and everything they see is kept."""
    tools = IncidentTools(state, context)

    async def look(model: ChatModel, request: ModelRequest, redactor: Redactor, barred: Barred) -> Looked:
        return await look_further(model, request, Desk(tools, redactor, barred, bounds or Bounds()))

    return look


def _narrowed(tool: ToolSpec, signals: list[str]) -> ToolSpec:
    """The tool with only those signals that are measured."""
    properties = tool.parameters["properties"]
    signal = {**properties["signal"], "enum": signals}
    return tool.model_copy(update={"parameters": {**tool.parameters, "properties": {**properties, "signal": signal}}})
