"""Failures and waiting are conserved: what callees account for is not a service's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.causes.conserved import excesses, own
from analysis.causes.families.excess import read
from analysis.topology import Topology
from analysis.view import SystemView
from core.models import Signal
from tests.analysis.shop import CONFIG, DEPENDENCIES, TRAFFIC, Shop

TOPOLOGY = Topology(DEPENDENCIES)


def leaders(view: SystemView) -> list[str]:
    marks = sorted(read(view, TOPOLOGY, CONFIG).marks, key=lambda mark: -mark.score)
    return [mark.service for mark in marks]


def failing(service: str, share: float = 0.5) -> Shop:
    shop = Shop()
    shop.suffer(service, errors=share)
    shop.callers_suffer(service, failures=share * TRAFFIC[service], latency=0.0)
    return shop


def test_a_quiet_shop_is_silent() -> None:
    for seed in range(30):
        assert read(Shop(seed).view(), TOPOLOGY, CONFIG).marks == ()


@pytest.mark.parametrize("service", DEPENDENCIES)
def test_who_fails_itself_leads_and_its_callers_keep_little(service: str) -> None:
    view = failing(service).view()
    marks = {mark.service: mark for mark in read(view, TOPOLOGY, CONFIG).marks}
    assert leaders(view)[0] == service
    assert all(mark.score < 0.5 for name, mark in marks.items() if name != service)
    assert set(marks[service].evidence) == {f"ev-{service}-errors", f"ev-{service}-traffic"}
    assert marks[service].onset is not None


def test_failures_are_counted_in_requests() -> None:
    excess = excesses(failing("orders").view(), CONFIG)[Signal.ERRORS]
    assert excess["orders"].flow == pytest.approx(0.5 * TRAFFIC["orders"], rel=0.25)
    assert excess["gateway"].flow == pytest.approx(0.5 * TRAFFIC["orders"], rel=0.25)
    assert own("gateway", Signal.ERRORS, {Signal.ERRORS: excess}, TOPOLOGY) < 0.2 * excess["gateway"].flow


def test_a_slow_callee_accounts_for_the_waiting_of_busy_callers() -> None:
    shop = Shop()
    shop.suffer("payment", latency=1.0)
    shop.callers_suffer("payment", failures=0.0, latency=1.0)
    assert leaders(shop.view())[0] == "payment"


def test_a_caller_that_is_slower_than_its_callees_keeps_the_difference() -> None:
    shop = Shop()
    shop.suffer("cache", latency=0.4)
    shop.suffer("cart", latency=2.0)
    assert leaders(shop.view())[0] == "cart"


def test_a_few_failed_requests_are_chance() -> None:
    shop = Shop()
    shop.values["payment", Signal.TRAFFIC] = np.full(shop.times.size, 0.5)
    shop.ramp("payment", Signal.ERRORS, 0.9)
    assert "payment" not in leaders(shop.view())


def test_without_traffic_the_rise_itself_counts() -> None:
    view = failing("orders").view(without=frozenset({Signal.TRAFFIC}))
    excess = excesses(view, CONFIG)[Signal.ERRORS]["orders"]
    assert not excess.known_traffic
    assert excess.flow == excess.rise == pytest.approx(0.5, rel=0.25)


def test_an_alert_about_another_symptom_makes_a_mark_count_less() -> None:
    shop = failing("payment")
    shop.values["gateway", Signal.ERRORS] = np.zeros(shop.times.size)
    shop.suffer("cache", latency=1.0)
    shop.callers_suffer("cache", failures=0.0, latency=1.0)
    assert leaders(shop.view())[0] == "cache"


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 500), share=st.floats(0.2, 0.9), service=st.sampled_from(sorted(DEPENDENCIES)))
def test_nobody_owns_more_than_it_shows(seed: int, share: float, service: str) -> None:
    shop = Shop(seed)
    shop.suffer(service, errors=share)
    shop.callers_suffer(service, failures=share * TRAFFIC[service], latency=0.0)
    excess = excesses(shop.view(), CONFIG)
    for signal, by_service in excess.items():
        for name, one in by_service.items():
            assert 0 <= own(name, signal, excess, TOPOLOGY) <= one.flow
