"""The dependency graph, with cycles and names that nobody knows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.topology import Topology
from tests.analysis.shop import DEPENDENCIES

GRAPHS = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4))


def test_callers_callees_and_distance() -> None:
    shop = Topology(DEPENDENCIES)
    assert set(shop.callers("cart")) == {"gateway", "orders"}
    assert shop.callees("orders") == ("payment", "cart")
    assert shop.downstream("orders") == {"payment", "cart", "cache"}
    assert [shop.distance("gateway", name) for name in ("gateway", "cart", "cache")] == [0, 1, 2]
    assert shop.distance("cache", "gateway") == -1


def test_unknown_names_have_no_neighbours_and_are_not_excluded() -> None:
    shop = Topology(DEPENDENCIES)
    assert (shop.callers("mail"), shop.callees("mail"), shop.downstream("mail")) == ((), (), frozenset())
    assert shop.distance("gateway", "mail") == -1
    assert shop.explains("gateway", "mail")
    assert not shop.explains("cart", "payment")


def test_a_service_that_lists_itself_is_no_cycle() -> None:
    assert Topology({"cart": ("cart",)}).downstream("cart") == frozenset()


@given(graph=GRAPHS)
def test_callees_come_first_except_within_a_cycle(graph: dict[str, list[str]]) -> None:
    topology = Topology(graph)
    order = topology.callees_first(list("abcdef"))
    assert sorted(order) == list("abcdef")
    for name in order:
        for below in topology.downstream(name):
            assert topology.in_cycle(name, below) or order.index(below) < order.index(name)
