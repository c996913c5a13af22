"""How much of a caller's symptoms its callee accounts for."""

from __future__ import annotations

import pytest

from analysis.anomalies import detect
from analysis.causes.blame import share
from analysis.causes.facts import ServiceFacts, added, gather
from analysis.causes.suspects import suspect
from analysis.causes.suspicion import Surroundings, Suspicion
from analysis.topology import Topology
from core.models import Signal
from tests.analysis.shop import CONFIG, DEPENDENCIES, Shop


def facts_of(shop: Shop) -> dict[str, ServiceFacts]:
    view = shop.view()
    return gather(view, detect(view, CONFIG), Topology(DEPENDENCIES), CONFIG)


def suspicion(service: str, facts: dict[str, ServiceFacts]) -> Suspicion:
    return suspect(facts[service], Surroundings(facts, Topology(DEPENDENCIES), CONFIG))[0]


def test_excess_failures_are_counted_in_requests_so_that_they_compare_between_services() -> None:
    shop = Shop()
    shop.bad_release("orders")
    facts = facts_of(shop)
    assert added(facts["orders"], Signal.ERRORS) == pytest.approx(0.6 * 8, rel=0.15)
    assert added(facts["gateway"], Signal.ERRORS) == pytest.approx(0.6 * 8, rel=0.15)
    assert share(facts["gateway"], facts["orders"], suspicion("orders", facts)) > 0.85


def test_a_callee_accounts_only_for_what_it_fails_itself() -> None:
    shop = Shop()
    shop.suffer("cart", errors=0.1)
    shop.suffer("gateway", errors=0.8)
    facts = facts_of(shop)
    assert share(facts["gateway"], facts["cart"], suspicion("cart", facts)) == pytest.approx(2 / 24, rel=0.3)


def test_a_culprit_that_cannot_report_accounts_for_all() -> None:
    shop = Shop()
    shop.kill("payment")
    facts = facts_of(shop)
    assert share(facts["orders"], facts["payment"], suspicion("payment", facts)) == 1.0
