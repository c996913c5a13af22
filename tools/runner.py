"""Running queries: evidence and recordings out, and views built from them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from analysis.view import ChangeView, LogFrame, SignalFrame, StateView, SystemView, TraceFrame
from core.errors import InvalidInput, SourceError
from core.models import Digest, Evidence, EvidenceKind, Model, content_id
from stores.recordings import Recording
from stores.store import Tx
from tools.context import QueryContext
from tools.once import AskedOnce
from tools.queries.spec import AnyQuery, Part, Topology, known_service
from tools.recording import Recorder
from tools.registry import QUERIES

MAX_CONCURRENT_QUERIES = 8

Recorded = Recording
"""One port call, as the store keeps it."""

Looked = tuple[Evidence, list[Recorded]]
"""A piece of evidence, and the port calls behind it."""


@dataclass(frozen=True, slots=True)
class Look:
    """One question, asked.

    Attributes:
        raw: what the query fetched; None when the source did not answer.
        calls: the port calls behind the evidence.
        failure: why the source did not answer; None when it did.
    """

    raw: Any
    evidence: Evidence
    calls: list[Recorded]
    failure: SourceError | None = None


async def run_query(name: str, parameters: Mapping[str, Any], context: QueryContext) -> Looked:
    """Ask one question. A source that does not answer gives evidence with `error` set.

    Raises:
        InvalidInput: there is no such query, or its parameters are wrong.
    """
    seen = await look(name, parameters, context)
    return seen.evidence, seen.calls


async def look(name: str, parameters: Mapping[str, Any], context: QueryContext) -> Look:
    """As `run_query`, for code that also needs the raw data.

    Raises:
        InvalidInput: there is no such query, or its parameters are wrong.
    """
    spec, given = _checked(name, parameters)
    identity = evidence_id(name, given, context)
    recorder = Recorder(identity, context.now)
    watched = replace(context, sources=recorder.sources(context.sources))
    raw, failure = None, None
    try:
        raw = await spec.fetch(watched, given)
        digest = spec.digest(raw, context)
    except SourceError as error:
        failure = error
        digest = Digest(summary="the source did not answer")
    evidence = Evidence(
        id=identity,
        incident_id=context.incident_id,
        kind=spec.kind,
        tool=name,
        source=spec.source(context),
        query=canonical(given),
        window=context.window,
        subject=getattr(given, "service", ""),
        digest=digest,
        error="" if failure is None else str(failure),
    )
    return Look(raw, evidence, recorder.calls, failure)


async def gather(context: QueryContext, services: Sequence[str]) -> list[Looked]:
    """Everything about the services, and what surrounds them, in an order that depends on the arguments only.

    Args:
        services: the symptom first, as `Inventory.neighbourhood` returns them.

    Raises:
        InvalidInput: a service is not in the inventory.
    """
    for service in services:
        known_service(context, service)
    first = services[0] if services else ""
    around = first if set(services) <= set(context.inventory.neighbourhood(first)) else ""
    questions: list[tuple[str, dict[str, Any]]] = [("active_alerts", {}), ("service_topology", {"service": around})]
    about = ["log_digest", "service_state", "recent_changes"]
    if context.sources.traces is not None:
        about.append("trace_digest")
        context = _sharing_spans(context)
    for service in services:
        questions += [("metric_digest", {"service": service, "signal": spec.signal}) for spec in context.signals]
        questions += [(name, {"service": service}) for name in about]
    slots = asyncio.Semaphore(MAX_CONCURRENT_QUERIES)

    async def ask(name: str, parameters: dict[str, Any]) -> Looked:
        async with slots:
            return await run_query(name, parameters, context)

    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(ask(name, parameters)) for name, parameters in questions]
    return [task.result() for task in asked]


async def keep(tx: Tx, looked: Sequence[Looked]) -> None:
    """Store evidence and the calls behind it; what is stored already stays as it is."""
    for evidence, calls in looked:
        await tx.evidence.add(evidence)
        for call in calls:
            await tx.recordings.add(evidence.incident_id, evidence.id, call.port, call.key, call.payload)


async def load_view(evidence: Sequence[Evidence], context: QueryContext, symptom: str) -> SystemView:
    """The view that rests on the evidence, fetched again through the sources of the context.

    With recorded sources that is exactly what was seen live. Evidence of another window (a verification, say) and
    evidence whose source did not answer add nothing.

    Raises:
        SourceError: a call was not recorded.
        BundleError: a recording is damaged.
    """
    context = _sharing_spans(context)
    used = [each for each in evidence if each.window == context.window and not each.error]
    fetched: list[Part] = []
    for each in used:
        spec, given = _checked(each.tool, json.loads(each.query))
        fetched += spec.parts(await spec.fetch(context, given), each.id)
    dependencies: dict[str, tuple[str, ...]] = {}
    for part in fetched:
        if isinstance(part, Topology):
            dependencies |= part.dependencies
    return SystemView(
        symptom=symptom,
        window=context.window,
        baseline=context.baseline,
        signals=tuple(part for part in fetched if isinstance(part, SignalFrame)),
        logs=tuple(part for part in fetched if isinstance(part, LogFrame)),
        states=tuple(part for part in fetched if isinstance(part, StateView)),
        changes=tuple(part for part in fetched if isinstance(part, ChangeView)),
        traces=tuple(part for part in fetched if isinstance(part, TraceFrame)),
        dependencies=dependencies,
        topology_evidence=_first(used, EvidenceKind.TOPOLOGY),
        alert_evidence=_first(used, EvidenceKind.ALERT),
    )


def _sharing_spans(context: QueryContext) -> QueryContext:
    """The context for several questions about neighbours, which rest on the same spans."""
    traces = context.sources.traces
    once = None if traces is None else AskedOnce(traces)
    return replace(context, sources=replace(context.sources, traces=once))


def evidence_id(name: str, parameters: Model, context: QueryContext) -> str:
    """The same question about the same window has the same id, however often it is asked."""
    return content_id("ev", context.incident_id, name, canonical(parameters), canonical(context.window))


def asked_id(name: str, parameters: Mapping[str, Any], context: QueryContext) -> str:
    """The id that the evidence of a question has, before it is asked.

    Raises:
        InvalidInput: there is no such query, or its parameters are wrong.
    """
    _, given = _checked(name, parameters)
    return evidence_id(name, given, context)


def canonical(model: Model) -> str:
    """JSON in which equal models are equal."""
    return json.dumps(model.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))


def _checked(name: str, parameters: Mapping[str, Any]) -> tuple[AnyQuery, Model]:
    spec = QUERIES.get(name)
    if spec is None:
        raise InvalidInput(f"no query {name!r}", path="name", fix=f"use one of {', '.join(QUERIES)}")
    try:
        return spec, spec.parameters.model_validate(dict(parameters))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(["parameters", *map(str, first["loc"])])
        raise InvalidInput(str(first["msg"]), path=path, fix=f"see the parameters of {name}") from error


def _first(evidence: Sequence[Evidence], kind: EvidenceKind) -> str:
    return next((each.id for each in evidence if each.kind is kind), "")
