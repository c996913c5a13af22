"""The one place where queries and actions are registered.

Everything else is derived from here: the allow-list, the schemas that agents see, the risk table and the docs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError

from core.errors import InvalidInput
from core.llm import ToolSpec
from core.models import ActionOption, Proposal
from tools.actions import restart, rollback, scale, start, stop
from tools.actions.spec import ActionSpec
from tools.inventory import Inventory
from tools.queries import (
    active_alerts,
    log_digest,
    metric_digest,
    recent_changes,
    service_state,
    service_topology,
    trace_digest,
)
from tools.queries.spec import AnyQuery, QuerySpec
from tools.tool_schema import tool_parameters

__all__ = ["ACTIONS", "QUERIES", "ActionSpec", "QuerySpec", "action_options", "query_tools", "validate_proposal"]

_QUERIES: tuple[AnyQuery, ...] = (
    metric_digest.SPEC,
    log_digest.SPEC,
    service_state.SPEC,
    recent_changes.SPEC,
    service_topology.SPEC,
    active_alerts.SPEC,
    trace_digest.SPEC,
)
_ACTIONS: tuple[ActionSpec, ...] = (restart.SPEC, start.SPEC, stop.SPEC, rollback.SPEC, scale.SPEC)

QUERIES: Mapping[str, AnyQuery] = MappingProxyType({spec.name: spec for spec in _QUERIES})
ACTIONS: Mapping[str, ActionSpec] = MappingProxyType({spec.name: spec for spec in _ACTIONS})


def action_options() -> tuple[ActionOption, ...]:
    """The actions as an agent sees them."""
    return tuple(
        ActionOption(
            name=spec.name,
            description=spec.description,
            risk=spec.risk,
            undo=spec.undo,
            parameters_schema=json.dumps(spec.parameters.model_json_schema(), sort_keys=True),
        )
        for spec in ACTIONS.values()
    )


def query_tools() -> tuple[ToolSpec, ...]:
    """The queries as a model may call them. Actions are no tools: a model proposes them, and policy disposes."""
    return tuple(
        ToolSpec(name=spec.name, description=spec.description, parameters=tool_parameters(spec.parameters))
        for spec in QUERIES.values()
    )


def validate_proposal(proposal: Proposal, inventory: Inventory) -> Proposal:
    """The proposal with risk and undo as the registry has them, whatever its author wrote there.

    Raises:
        InvalidInput: its action is not registered, its target or a check's service is not in the inventory, or a
            parameter is wrong.
    """
    spec = ACTIONS.get(proposal.action)
    if spec is None:
        raise InvalidInput(f"no action {proposal.action!r}", path="action", fix=f"use one of {', '.join(ACTIONS)}")
    _known(inventory, proposal.service, "service")
    for index, check in enumerate(proposal.success_checks):
        _known(inventory, check.service, f"success_checks[{index}].service")
    try:
        spec.parameters.model_validate(proposal.parameters)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(["parameters", *map(str, first["loc"])])
        raise InvalidInput(str(first["msg"]), path=path, fix=f"see the parameters of {spec.name}") from error
    return proposal.model_copy(update={"risk": spec.risk, "undo": spec.undo})


def _known(inventory: Inventory, name: str, path: str) -> None:
    if inventory.get(name) is None:
        raise InvalidInput(f"no service {name!r}", path=path, fix="`quell services list` shows the names")
