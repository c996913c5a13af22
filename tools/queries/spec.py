"""What a query consists of, and what several of them need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import Field

from analysis.digests import bound
from analysis.view import ChangeView, LogFrame, SignalFrame, StateView, TraceFrame
from core.errors import InvalidInput
from core.models import Digest, EvidenceKind, Fact, Model, Service
from tools.context import QueryContext

P = TypeVar("P", bound=Model)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Topology:
    """Who calls whom, caller to callees."""

    dependencies: dict[str, tuple[str, ...]]


Part = SignalFrame | LogFrame | StateView | ChangeView | TraceFrame | Topology
"""What a query adds to an `analysis.view.SystemView`."""


@dataclass(frozen=True, slots=True)
class QuerySpec(Generic[P, R]):
    """One question.

    Attributes:
        parameters: model of the parameters; a field `service` names the subject of the evidence.
        source: name of who answers.
        fetch: asks the ports of the context. Raises SourceError when they do not answer, InvalidInput when the
            parameters name what does not exist. Must depend on nothing but the context and the parameters.
        digest: the bounded summary of what was fetched.
        parts: what was fetched as parts of a view, citing the evidence id.
    """

    name: str
    description: str
    kind: EvidenceKind
    parameters: type[P]
    source: Callable[[QueryContext], str]
    fetch: Callable[[QueryContext, P], Awaitable[R]]
    digest: Callable[[R, QueryContext], Digest]
    parts: Callable[[R, str], tuple[Part, ...]]


AnyQuery = QuerySpec[Any, Any]


class ServiceParameters(Model):
    """A question about one service."""

    service: str = Field(description="name of a service in the inventory")


class NoParameters(Model):
    """A question about the whole system."""


def known_service(context: QueryContext, name: str) -> Service:
    """The service that a query names.

    Raises:
        InvalidInput: the inventory has no such service.
    """
    service = context.inventory.get(name)
    if service is None:
        raise InvalidInput(f"no service {name!r}", path="service", fix="`quell services list` shows the names")
    return service


def bounded_facts(summary: str, facts: Sequence[Fact], context: QueryContext) -> Digest:
    """The first facts that fit the token bound."""
    return bound(Digest(summary=summary, facts=tuple(facts)), context.analysis.max_digest_tokens)
