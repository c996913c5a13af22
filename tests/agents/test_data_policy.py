"""Whose data goes where: by name, by pattern, else by the rule of the rung."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agents.data_policy import DataPolicy, FrontierPrivacy, RungPrivacy, may_leave
from agents.redaction import IdentityKind, Redactor
from core.models import Rung

TEXT = "ann@example.org at 10.1.2.3"


def test_everything_may_leave_until_somebody_forbids_it() -> None:
    assert may_leave(DataPolicy(), Rung.LOCAL, ["payment"]) is None
    assert may_leave(DataPolicy(), Rung.FRONTIER, ["payment", ""]) is None


def test_one_service_that_stays_keeps_the_whole_prompt() -> None:
    policy = DataPolicy(frontier=FrontierPrivacy(services={"payment": False}))
    why = may_leave(policy, Rung.FRONTIER, ["edge", "payment", "payment"])
    assert why == "policy keeps data of payment from the frontier rung"
    assert may_leave(policy, Rung.FRONTIER, ["edge"]) is None
    assert may_leave(policy, Rung.LOCAL, ["payment"]) is None


def test_a_rung_that_gets_nothing_but_what_is_named() -> None:
    policy = DataPolicy(frontier=FrontierPrivacy(leave=False, services={"shop-*": True, "shop-pay": False}))
    assert may_leave(policy, Rung.FRONTIER, ["shop-cart"]) is None
    assert may_leave(policy, Rung.FRONTIER, ["shop-pay"]) is not None
    assert may_leave(policy, Rung.FRONTIER, ["bank"]) is not None
    assert "unknown services" in (may_leave(policy, Rung.FRONTIER, [""]) or "")


def test_a_no_wins_among_patterns_and_the_exact_name_over_patterns() -> None:
    privacy = RungPrivacy(services={"*": True, "pci-*": False, "pci-docs": True})
    assert [privacy.lets(name) for name in ("shop", "pci-vault", "pci-docs")] == [True, False, True]


def test_no_policy_keeps_anything_from_the_rules() -> None:
    policy = DataPolicy(local=RungPrivacy(leave=False), frontier=FrontierPrivacy(leave=False))
    assert may_leave(policy, Rung.RULES, ["payment"]) is None


def test_what_is_hidden_is_set_by_rung() -> None:
    policy = DataPolicy(local=RungPrivacy(kinds=(IdentityKind.ADDRESS,), private_addresses=("10.0.0.0/8",)))
    assert Redactor.of(policy.of(Rung.LOCAL)).hide(TEXT) == "ann@example.org at [address-1]"
    assert Redactor.of(policy.of(Rung.FRONTIER)).hide(TEXT) == "[email-1] at 10.1.2.3"


def test_saying_one_thing_about_the_frontier_keeps_the_rest_hidden() -> None:
    policy = DataPolicy.model_validate({"frontier": {"services": {"bank": False}}})
    assert Redactor.of(policy.of(Rung.FRONTIER)).hide(TEXT) == "[email-1] at 10.1.2.3"


def test_what_is_no_place_is_refused_with_the_configuration() -> None:
    with pytest.raises(ValidationError, match="corp"):
        RungPrivacy(private_addresses=("corp",))
