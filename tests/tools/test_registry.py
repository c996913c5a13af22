"""The registry: what is derived from it, and what a proposal is held to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import InvalidInput
from core.models import Check, Proposal, Risk, Signal
from tests.tools.world import SHOP
from tools.registry import ACTIONS, QUERIES, action_options, validate_proposal


def proposal(**changed: Any) -> Proposal:
    plain: dict[str, Any] = {
        "action": "rollback",
        "service": "payment",
        "parameters": {"release": "1.0"},
        "hypothesis": "h",
        "confidence": 0.9,
        "expected_effect": "e",
        "risk": Risk.LOW,
    }
    return Proposal(**plain | changed)


def test_each_thing_is_registered_under_its_own_name() -> None:
    assert set(QUERIES) == {
        "metric_digest",
        "log_digest",
        "service_state",
        "recent_changes",
        "service_topology",
        "active_alerts",
        "trace_digest",
    }
    assert set(ACTIONS) == {"restart", "start", "stop", "rollback", "scale"}
    assert all(spec.undo in {"", *ACTIONS} for spec in ACTIONS.values())


def test_options_are_derived_from_the_registry() -> None:
    options = {option.name: option for option in action_options()}
    assert set(options) == set(ACTIONS)
    assert options["rollback"].risk is ACTIONS["rollback"].risk
    assert "release" in json.loads(options["rollback"].parameters_schema)["properties"]
    assert json.loads(options["restart"].parameters_schema)["additionalProperties"] is False


def test_the_registry_has_the_last_word_on_risk_and_undo() -> None:
    valid = validate_proposal(proposal(undo="stop"), SHOP)
    assert (valid.risk, valid.undo) == (Risk.MEDIUM, "rollback")
    assert valid.hash == proposal().hash


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"action": "rm -rf"}, "action"),
        ({"service": "nobody"}, "service"),
        ({"parameters": {"release": "1.0", "force": "yes"}}, "parameters.force"),
        ({"parameters": {"release": "x" * 201}}, "parameters.release"),
        ({"action": "restart"}, "parameters.release"),
        (
            {"success_checks": (Check(service="nobody", signal=Signal.UP, description=""),)},
            "success_checks[0].service",
        ),
    ],
)
def test_a_bad_proposal_is_refused_with_the_path(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_proposal(proposal(**changed), SHOP)
    assert caught.value.path == path
