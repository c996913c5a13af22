"""The guard: what each rule says, and what holds whatever the facts are."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models import Autonomy, Effect, GuardFacts, Proposal, Risk
from remediation.guardrails import RULES, judge

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
PROPOSAL = Proposal(
    action="restart", service="payment", hypothesis="h", confidence=0.9, expected_effect="errors fall", risk=Risk.LOW
)


def facts(**changed: Any) -> GuardFacts:
    """Facts to which no rule objects, changed."""
    plain: dict[str, Any] = {
        "at": NOON,
        "autonomy": Autonomy.ACT,
        "protected": False,
        "target_resolved": True,
        "policy_effect": Effect.ALLOW,
    }
    return GuardFacts(**plain | changed)


seconds = st.floats(min_value=0, max_value=1e6, allow_nan=False)
counts = st.integers(min_value=0, max_value=6)
any_facts = st.builds(
    GuardFacts,
    at=st.just(NOON),
    kill_switch=st.booleans(),
    dry_run=st.booleans(),
    undo=st.booleans(),
    autonomy=st.sampled_from(Autonomy),
    protected=st.booleans(),
    target_resolved=st.booleans(),
    policy_effect=st.sampled_from(Effect),
    policy_rule=st.text(max_size=10),
    actions_last_hour=counts,
    max_actions_per_hour=counts,
    seconds_since_last_action=st.none() | seconds,
    cooldown_seconds=seconds,
    attempts_this_incident=counts,
    max_attempts=counts,
    last_action_failed=st.booleans(),
    same_action_tried=st.booleans(),
    approved=st.none() | st.booleans(),
    evidence_age_seconds=seconds,
    max_evidence_age_seconds=seconds,
    still_anomalous=st.none() | st.booleans(),
    blast_radius=counts,
)


def test_nothing_objects_then_it_is_allowed_by_the_policy() -> None:
    verdict = judge(PROPOSAL, facts(policy_rule="stateless"))
    assert verdict.effect is Effect.ALLOW
    assert verdict.deciding.rule == "policy"


@pytest.mark.parametrize(
    ("changed", "effect", "rule"),
    [
        ({"kill_switch": True}, Effect.DENY, "kill_switch"),
        ({"target_resolved": False}, Effect.DENY, "target_resolved"),
        ({"autonomy": Autonomy.OBSERVE}, Effect.DENY, "autonomy"),
        ({"autonomy": Autonomy.PROPOSE}, Effect.ASK, "autonomy"),
        ({"protected": True}, Effect.ASK, "protected"),
        ({"policy_effect": Effect.ASK}, Effect.ASK, "policy"),
        ({"policy_effect": Effect.DENY}, Effect.DENY, "policy"),
        ({"actions_last_hour": 3}, Effect.DENY, "rate"),
        ({"seconds_since_last_action": 10, "cooldown_seconds": 60}, Effect.DENY, "cooldown"),
        ({"attempts_this_incident": 3}, Effect.DENY, "attempts"),
        ({"last_action_failed": True}, Effect.ASK, "last_action_failed"),
        ({"same_action_tried": True}, Effect.DENY, "same_action"),
        ({"still_anomalous": False}, Effect.DENY, "stale_evidence"),
        ({"evidence_age_seconds": 301}, Effect.DENY, "stale_evidence"),
        ({"approved": False}, Effect.DENY, "approval"),
        ({"protected": True, "approved": True}, Effect.ALLOW, "approval"),
        ({"dry_run": True}, Effect.ALLOW, "dry_run"),
    ],
)
def test_each_rule_has_its_own_named_reason(changed: dict[str, Any], effect: Effect, rule: str) -> None:
    verdict = judge(PROPOSAL, facts(**changed))
    assert (verdict.effect, verdict.deciding.rule) == (effect, rule)


@pytest.mark.parametrize(
    "changed",
    [
        {"actions_last_hour": 2},
        {"seconds_since_last_action": 60, "cooldown_seconds": 60},
        {"attempts_this_incident": 2},
        {"evidence_age_seconds": 301, "still_anomalous": True},
    ],
)
def test_just_within_a_limit_is_allowed(changed: dict[str, Any]) -> None:
    assert judge(PROPOSAL, facts(**changed)).effect is Effect.ALLOW


def test_observing_says_what_would_have_been_done() -> None:
    detail = judge(PROPOSAL, facts(autonomy=Autonomy.OBSERVE)).deciding.detail
    assert "restart of payment" in detail
    assert "errors fall" in detail


def test_what_the_machines_are_not_sure_of_a_human_decides() -> None:
    unsure = PROPOSAL.model_copy(update={"unsure": "rungs disagree"})
    verdict = judge(unsure, facts())
    assert (verdict.effect, verdict.deciding.rule, verdict.deciding.detail) == (Effect.ASK, "unsure", "rungs disagree")
    assert judge(unsure, facts(approved=True)).effect is Effect.ALLOW
    assert judge(unsure, facts(autonomy=Autonomy.OBSERVE)).effect is Effect.DENY
    assert judge(unsure, facts(undo=True)).effect is Effect.ALLOW
    assert unsure.hash == PROPOSAL.hash


def test_every_rule_is_registered_once_under_its_own_name() -> None:
    names = [rule.__name__ for rule in RULES]
    assert names == [
        "kill_switch",
        "dry_run",
        "target_resolved",
        "autonomy",
        "unsure",
        "protected",
        "policy",
        "rate",
        "cooldown",
        "attempts",
        "last_action_failed",
        "same_action",
        "stale_evidence",
        "approval",
    ]


@given(any_facts)
def test_what_must_never_be_allowed(given_facts: GuardFacts) -> None:
    verdict = judge(PROPOSAL, given_facts)
    if given_facts.kill_switch or given_facts.autonomy is Autonomy.OBSERVE or not given_facts.target_resolved:
        assert verdict.effect is Effect.DENY
    if given_facts.protected and not given_facts.approved:
        assert verdict.effect is not Effect.ALLOW
    if given_facts.approved is False or given_facts.policy_effect is Effect.DENY:
        assert verdict.effect is Effect.DENY


@given(any_facts)
def test_an_approval_lifts_ask_and_nothing_else(given_facts: GuardFacts) -> None:
    unasked = judge(PROPOSAL, given_facts.model_copy(update={"approved": None}))
    approved = judge(PROPOSAL, given_facts.model_copy(update={"approved": True}))
    assert approved.effect is (Effect.DENY if unasked.effect is Effect.DENY else Effect.ALLOW)


@given(any_facts)
def test_a_verdict_is_deterministic_and_explained(given_facts: GuardFacts) -> None:
    verdict = judge(PROPOSAL, given_facts)
    assert verdict == judge(PROPOSAL, given_facts)
    assert verdict.deciding in verdict.reasons
    assert verdict.facts == given_facts
    assert verdict.proposal_hash == PROPOSAL.hash


@given(any_facts)
def test_undo_is_exempt_from_the_limits_only(given_facts: GuardFacts) -> None:
    undo = judge(PROPOSAL, given_facts.model_copy(update={"undo": True}))
    limits = {"rate", "cooldown", "attempts", "last_action_failed", "same_action", "stale_evidence"}
    assert limits.isdisjoint(reason.rule for reason in undo.reasons)
    kept = {"kill_switch", "target_resolved", "autonomy", "protected", "policy", "approval"}
    plain = judge(PROPOSAL, given_facts.model_copy(update={"undo": False}))
    assert {r for r in undo.reasons if r.rule in kept} == {r for r in plain.reasons if r.rule in kept}


def test_the_strictest_effect_holds() -> None:
    effects = {True: Effect.DENY, False: None}
    for denied, asked in product([True, False], repeat=2):
        verdict = judge(PROPOSAL, facts(kill_switch=denied, protected=asked))
        assert verdict.effect is (effects[denied] or (Effect.ASK if asked else Effect.ALLOW))
