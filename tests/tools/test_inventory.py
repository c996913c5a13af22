"""The inventory: which service labels mean, what surrounds it, and how services are discovered."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.models import Identity, Service
from tests.tools.world import SHOP, service
from tools.inventory import Inventory, discover


@dataclass(frozen=True)
class Named:
    """A process or a target, as far as discovery looks."""

    name: str = ""
    labels: dict[str, str] = field(default_factory=dict)


def known_as(name: str, **identity: object) -> Service:
    return Service(name=name, identity=Identity.model_validate(identity))


def test_labels_resolve_by_each_identity() -> None:
    inventory = Inventory(
        [
            known_as("a", alert_labels={"team": "x", "app": "a"}),
            known_as("b", prometheus={"job": "b"}),
            known_as("c", process="c-proc"),
            known_as("d", container="d-1"),
            known_as("e", swarm_service="shop_e"),
            known_as("f", otel_service_name="f-otel"),
            known_as("g", loki={"app": "g"}),
        ]
    )
    for labels, name in [
        ({"team": "x", "app": "a", "severity": "page"}, "a"),
        ({"job": "b", "instance": "h:1"}, "b"),
        ({"process": "c-proc"}, "c"),
        ({"container": "d-1"}, "d"),
        ({"swarm_service": "shop_e"}, "e"),
        ({"service_name": "f-otel"}, "f"),
        ({"app": "g"}, "g"),
        ({"service": "g"}, "g"),
    ]:
        assert inventory.resolve(labels).service == name, labels


def test_a_deliberate_identity_beats_an_incidental_one_with_more_labels() -> None:
    inventory = Inventory(
        [
            known_as("db", alert_labels={"alertname": "DiskFull"}),
            known_as("node", prometheus={"job": "n", "instance": "i"}),
        ]
    )
    labels = {"alertname": "DiskFull", "job": "n", "instance": "i"}
    resolution = inventory.resolve(labels)
    assert resolution.service == "db"
    assert resolution.candidates == ("db", "node")
    assert "alert labels" in resolution.reason


def test_more_labels_are_more_specific() -> None:
    inventory = Inventory(
        [known_as("any", prometheus={"job": "n"}), known_as("one", prometheus={"job": "n", "instance": "i"})]
    )
    assert inventory.resolve({"job": "n", "instance": "i"}).service == "one"
    assert inventory.resolve({"job": "n", "instance": "j"}).service == "any"


def test_ambiguity_is_reported_and_nothing_is_chosen() -> None:
    inventory = Inventory([known_as("a", prometheus={"job": "n"}), known_as("b", prometheus={"job": "n"})])
    resolution = inventory.resolve({"job": "n"})
    assert resolution.service == ""
    assert resolution.candidates == ("a", "b")
    assert "ambiguous" in resolution.reason


def test_unknown_labels_resolve_to_nothing_and_say_so() -> None:
    resolution = SHOP.resolve({"job": "elsewhere"})
    assert resolution.service == ""
    assert "job=elsewhere" in resolution.reason
    assert SHOP.resolve({}).service == ""


few = st.sampled_from(["x", "y", ""])
identities = st.builds(
    Identity,
    alert_labels=st.dictionaries(st.sampled_from(["job", "team"]), st.sampled_from(["x", "y"]), max_size=2),
    prometheus=st.dictionaries(st.sampled_from(["job", "instance"]), st.sampled_from(["x", "y"]), max_size=2),
    process=few,
    otel_service_name=few,
)
inventories = st.lists(identities, min_size=1, max_size=6).map(
    lambda found: [Service(name=f"s{index}", identity=identity) for index, identity in enumerate(found)]
)
some_labels = st.dictionaries(
    st.sampled_from(["job", "team", "instance", "service", "process", "service_name"]),
    st.sampled_from(["x", "y", "s0", "s1"]),
)


@given(inventories.flatmap(lambda services: st.tuples(st.just(services), st.permutations(services))), some_labels)
def test_resolution_does_not_depend_on_the_order(
    orders: tuple[list[Service], list[Service]], labels: dict[str, str]
) -> None:
    first, second = (Inventory(order).resolve(labels) for order in orders)
    assert first == second
    assert first.service in {"", *(each.name for each in orders[0])}
    assert not first.service or first.service in first.candidates


def test_neighbourhood_is_all_below_and_the_direct_callers() -> None:
    assert SHOP.neighbourhood("orders") == ("orders", "payment", "gateway")
    assert SHOP.neighbourhood("gateway") == ("gateway", "orders", "payment")
    assert SHOP.neighbourhood("gateway", limit=2) == ("gateway", "orders")
    assert SHOP.neighbourhood("nobody") == ()


def test_a_cycle_and_an_unknown_dependency_do_no_harm() -> None:
    inventory = Inventory([service("a", "b", "elsewhere"), service("b", "a")])
    assert inventory.neighbourhood("a") == ("a", "b")
    assert inventory.dependents("a") == {"b"}


def test_dependents_are_transitive() -> None:
    assert SHOP.dependents("payment") == {"orders", "gateway"}
    assert SHOP.dependents("gateway") == set()
    assert SHOP.dependencies() == {"gateway": ("orders",), "orders": ("payment",), "payment": ()}


def test_two_services_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="payment"):
        Inventory([service("payment"), service("payment")])


def test_discovery_merges_processes_targets_and_configuration() -> None:
    configured = [Service(name="pay", tier=1, identity=Identity(process="payment", prometheus={"job": "payment"}))]
    found = discover(
        processes=[Named(name="payment"), Named(name="cart")],
        targets=[Named(labels={"job": "payment"}), Named(labels={"job": "cart"}), Named(labels={"job": "node"})],
        configured=configured,
    )
    by_name = {each.name: each for each in found}
    assert list(by_name) == ["cart", "node", "pay"]
    assert by_name["pay"].tier == 1
    assert by_name["pay"].provenance == ("config", "process payment", "scrape job=payment")
    assert by_name["cart"].identity.process == "cart"
    assert by_name["cart"].identity.prometheus == {"job": "cart"}
    assert by_name["node"].identity.process == ""
    assert Inventory(found).resolve({"job": "payment"}).service == "pay"


def test_configuration_overrides_what_is_discovered() -> None:
    configured = [Service(name="cart", identity=Identity(prometheus={"job": "cart", "zone": "a"}))]
    (cart,) = discover([Named(name="cart")], [Named(labels={"job": "cart", "service": "cart"})], configured)
    assert cart.identity.prometheus == {"job": "cart", "zone": "a"}
    assert cart.identity.process == "cart"


def test_targets_of_one_service_share_what_they_have_in_common() -> None:
    targets = [Named(labels={"job": "web", "replica": "1"}), Named(labels={"job": "web", "replica": "2"})]
    (web,) = discover([], targets, [])
    assert web.identity.prometheus == {"job": "web"}


def test_what_an_engine_runs_joins_the_service_that_names_it_and_keeps_what_was_configured() -> None:
    configured = [known_as("payments", container="shop-pay-1"), Service(name="cart", dependencies=("cache",))]
    running = [
        Service(
            name="pay",
            identity=Identity(container="shop-pay-1"),
            dependencies=("db",),
            provenance=("compose shop/pay (container shop-pay-1)",),
        ),
        Service(
            name="cart", identity=Identity(swarm_service="shop_cart"), dependencies=("db",), provenance=("stack shop",)
        ),
        Service(name="db", identity=Identity(container="shop-db-1"), provenance=("container shop-db-1",)),
    ]
    found = {each.name: each for each in discover([], [], configured, running)}
    assert set(found) == {"payments", "cart", "db"}
    assert found["payments"].dependencies == ("db",)
    assert found["payments"].provenance == ("config", "compose shop/pay (container shop-pay-1)")
    assert found["cart"].identity.swarm_service == "shop_cart"
    assert found["cart"].dependencies == ("cache",)
    assert found["db"].provenance == ("container shop-db-1",)
