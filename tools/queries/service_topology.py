"""Who calls whom around a service, as the inventory has it."""

from __future__ import annotations

from pydantic import Field

from core.models import Digest, EvidenceKind, Fact, Model
from tools.context import QueryContext
from tools.queries.spec import QuerySpec, Topology, bounded_facts, known_service


class TopologyParameters(Model):
    """Around which service."""

    service: str = Field(default="", description="name of a service in the inventory; empty for all of them")


async def fetch(context: QueryContext, parameters: TopologyParameters) -> Topology:
    """The calls of every service in the neighbourhood.

    Raises:
        InvalidInput: there is no such service.
    """
    every = context.inventory.dependencies()
    if not parameters.service:
        return Topology(every)
    known_service(context, parameters.service)
    near = context.inventory.neighbourhood(parameters.service)
    return Topology({name: every[name] for name in near})


def digest(topology: Topology, context: QueryContext) -> Digest:
    """One row a service, nearest first."""
    facts = [
        Fact(subject=caller, name="calls", value=", ".join(callees) or "nothing")
        for caller, callees in topology.dependencies.items()
    ]
    calls = sum(len(callees) for callees in topology.dependencies.values())
    return bounded_facts(f"{len(facts)} services, {calls} dependencies", facts, context)


def parts(topology: Topology, evidence: str) -> tuple[Topology]:
    """The topology."""
    return (topology,)


SPEC = QuerySpec(
    name="service_topology",
    description="Which services a service depends on, directly or not, and which call it.",
    kind=EvidenceKind.TOPOLOGY,
    parameters=TopologyParameters,
    source=lambda context: "inventory",
    fetch=fetch,
    digest=digest,
    parts=parts,
)
