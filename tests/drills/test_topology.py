"""The shop as a whole and its names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clients.processes.wire import ProcessSpec
from drills.shop.roles import Role
from drills.shop.topology import SHOP, names


def test_payment_stands_two_services_below_the_gateway():
    assert Role.PAYMENT not in SHOP[Role.GATEWAY].calls
    assert Role.ORDERS in SHOP[Role.GATEWAY].calls
    assert Role.PAYMENT in SHOP[Role.ORDERS].calls


def test_a_caller_waits_longer_than_what_it_calls_when_that_calls_on():
    for role in SHOP[Role.GATEWAY].calls:
        assert SHOP[Role.GATEWAY].timeout_seconds > SHOP[role].timeout_seconds


def test_without_a_seed_services_are_called_by_their_role():
    assert names() == {role: role.value for role in Role}


@given(st.integers(0, 10_000))
def test_renamed_services_have_distinct_names_that_say_nothing_of_their_role(seed: int):
    renamed = names(seed)
    assert renamed == names(seed)
    assert len(set(renamed.values())) == len(Role)
    for name in renamed.values():
        assert not any(role.value in name for role in Role)
        ProcessSpec(name=name, argv=("true",))


def test_seeds_give_different_names():
    assert names(1) != names(2)
