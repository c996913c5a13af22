"""A service as whatever runs it sees it now."""

from __future__ import annotations

from analysis.view import StateView
from core.models import Digest, EvidenceKind, Fact, ServiceState
from tools.context import QueryContext
from tools.queries.spec import QuerySpec, ServiceParameters, bounded_facts, known_service


async def fetch(context: QueryContext, parameters: ServiceParameters) -> ServiceState:
    """The state.

    Raises:
        SourceError: the runtime did not answer, or nothing sees this service.
        InvalidInput: there is no such service.
    """
    service = known_service(context, parameters.service)
    return await context.sources.seeing(service).state(service)


def digest(state: ServiceState, context: QueryContext) -> Digest:
    """One row for each thing that the runtime knows."""
    known = {
        "health": None if state.healthy is None else "healthy" if state.healthy else "unhealthy",
        "health detail": state.health_detail or None,
        "release": state.release or None,
        "previous release": state.previous_release or None,
        "exit code": state.exit_code,
        "restarts": state.restarts,
        "replicas": state.replicas,
        "cpu percent": state.cpu_percent,
        "memory bytes": state.memory_bytes,
    }
    facts = [Fact(subject=state.service, name="state", value=state.state, at=state.started_at)]
    facts += [
        Fact(subject=state.service, name=name, value=str(value)) for name, value in known.items() if value is not None
    ]
    health = f", {known['health']}" if known["health"] else ""
    return bounded_facts(f"{state.service} is {state.state}{health}", facts, context)


def parts(state: ServiceState, evidence: str) -> tuple[StateView]:
    """The state, citing the evidence."""
    return (StateView(state, evidence),)


SPEC = QuerySpec(
    name="service_state",
    description="Whether a service runs, since when, on which release, and what its health check says.",
    kind=EvidenceKind.STATE,
    parameters=ServiceParameters,
    source=lambda context: "actuators",
    fetch=fetch,
    digest=digest,
    parts=parts,
)
