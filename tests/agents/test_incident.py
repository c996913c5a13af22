"""All agents one after the other on the faults of the shop, and on a healthy one."""

from __future__ import annotations

from pathlib import Path

import pytest

import agents
from agents import anomaly, healing, rca
from agents.catalogue import ALL
from agents.ladder import Climb, climb
from agents.ladder_policy import LadderPolicy
from agents.models import AnomalyInput, HealingInput, Plan, RcaInput
from core.models import (
    ActionOption,
    Diagnosis,
    EscalationReason,
    FaultKind,
    Hypothesis,
    Risk,
    Rung,
    Service,
    Severity,
)
from tests.analysis.shop import CONFIG, DEPENDENCIES, FAULTS, TRAFFIC, Shop

OPTIONS = tuple(ActionOption(name=name, description="", risk=Risk.LOW) for name in ("restart", "start", "rollback"))
ACTIONS = {
    "kill": "start",
    "exhaust_memory": "start",
    "suspend": "restart",
    "burn": "restart",
    "bad_release": "rollback",
    "leak": "restart",
}


async def work(shop: Shop) -> tuple[Climb[Diagnosis], Climb[Plan]]:
    """Anomaly, root cause and healing agent, as the graph of an incident calls them."""
    policy, severity, view = LadderPolicy(), Severity.CRITICAL, shop.view()
    found = await climb(anomaly.SPEC, AnomalyInput(view, CONFIG), policy=policy, severity=severity)
    given = RcaInput(view, found.result.findings, CONFIG)
    diagnosed = await climb(rca.SPEC, given, policy=policy, severity=severity)
    healing_input = HealingInput(
        diagnosis=diagnosed.result,
        symptom=view.symptom,
        services=tuple(Service(name=name, dependencies=callees) for name, callees in DEPENDENCIES.items()),
        states=tuple(one.state for one in view.states),
        options=OPTIONS,
    )
    return diagnosed, await climb(healing.SPEC, healing_input, policy=policy, severity=severity)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(3))
async def test_each_fault_is_healed_where_it_is_and_by_what_helps(fault: str, seed: int) -> None:
    service = FAULTS[fault][0]
    shop = Shop(seed)
    for innocent in set(DEPENDENCIES) - {service}:
        shop.deploy(innocent, seconds_before_fault=500)
    getattr(shop, fault)(service)
    diagnosed, planned = await work(shop)
    assert (diagnosed.rung, planned.rung) == (Rung.RULES, Rung.RULES)
    assert {proposal.service for proposal in planned.result.proposals} == {service}
    assert planned.result.proposals[0].action == ACTIONS[fault]


async def test_a_healthy_shop_is_left_alone() -> None:
    diagnosed, planned = await work(Shop())
    assert (diagnosed.rung, planned.rung) == (Rung.RULES, Rung.RULES)
    assert planned.result == Plan(reason="nothing is broken", settled=True)


async def test_too_many_requests_are_a_humans_matter() -> None:
    shop = Shop()
    for name in DEPENDENCIES:
        shop.ramp(name, "traffic", 3 * TRAFFIC[name])
        shop.ramp(name, "latency", 0.4)
    _, planned = await work(shop)
    assert planned.rung is Rung.HUMAN
    assert planned.result.proposals == ()


def hypothesis(service: str, probability: float, kind: FaultKind = FaultKind.CRASH) -> Hypothesis:
    return Hypothesis(service=service, kind=kind, statement="", probability=probability)


@pytest.mark.parametrize(
    ("diagnosis", "reason"),
    [
        (Diagnosis(confidence=0, abstained="no data"), EscalationReason.ABSTAINED),
        (Diagnosis(confidence=0), EscalationReason.ABSTAINED),
        (
            Diagnosis(hypotheses=(hypothesis("a", 0.8, FaultKind.UNKNOWN),), confidence=0.8),
            EscalationReason.UNKNOWN_PATTERN,
        ),
        (
            Diagnosis(hypotheses=(hypothesis("a", 0.6), hypothesis("b", 0.3)), confidence=0.6),
            EscalationReason.SEVERAL_COMPONENTS,
        ),
        (Diagnosis(hypotheses=(hypothesis("a", 0.6), hypothesis("a", 0.3)), confidence=0.6), None),
        (Diagnosis(hypotheses=(hypothesis("a", 0.8), hypothesis("b", 0.2)), confidence=0.8), None),
    ],
)
def test_what_a_diagnosis_itself_gives_as_reason_to_climb(
    diagnosis: Diagnosis, reason: EscalationReason | None
) -> None:
    assert rca.SPEC.concern(diagnosis) is reason


def test_the_catalogue_has_every_agent_once_and_each_answers_without_a_model() -> None:
    assert [spec.name for spec in ALL] == ["classifier", "anomaly", "rca", "healing", "log_classifier"]
    assert all(Rung.RULES in spec.rungs and spec.description for spec in ALL)


def test_the_agents_package_is_ours() -> None:
    """Another distribution also installs a top-level package of this name."""
    assert Path(agents.__file__ or "").parent == Path(__file__).parents[2] / "agents"
