"""Resources: floors keep idle services quiet, traffic explains work, callers of a changed callee count less."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.causes.families.reading import Mark
from analysis.causes.families.resources import CALLER_DISCOUNT, discount_callers, read
from analysis.topology import Topology
from core.models import Signal
from tests.analysis.shop import CONFIG, DEPENDENCIES, Shop

TOPOLOGY = Topology(DEPENDENCIES)


def marks(shop: Shop) -> dict[str, Mark]:
    return {mark.service: mark for mark in read(shop.view(), TOPOLOGY, CONFIG).marks}


def test_a_quiet_shop_is_silent() -> None:
    assert all(marks(Shop(seed)) == {} for seed in range(20))


def test_an_idle_service_does_not_reach_absurd_scores() -> None:
    shop = Shop()
    shop.values["cache", Signal.CPU] = np.where(shop.faulty, 0.02, 0.0001)
    shop.values["payment", Signal.MEMORY] = np.where(shop.faulty, 41e6, 40e6)
    assert marks(shop) == {}


def test_the_busiest_rise_leads() -> None:
    shop = Shop()
    shop.ramp("catalogue", Signal.CPU, 0.9)
    shop.ramp("cart", Signal.CPU, 0.25)
    found = marks(shop)
    assert max(found.values(), key=lambda mark: mark.score).service == "catalogue"
    assert found["catalogue"].component == "cpu_metric"
    assert found["catalogue"].evidence == ("ev-catalogue-cpu",)
    assert 0.5 <= found["catalogue"].strength <= 1


def test_work_that_follows_from_requests_is_no_mark() -> None:
    shop = Shop()
    for signal, factor in ((Signal.TRAFFIC, 5.0), (Signal.CPU, 5.0)):
        shop.values["orders", signal] = np.where(shop.faulty, factor, 1.0) * shop.values["orders", signal]
    assert "orders" not in marks(shop)


def test_callers_of_a_changed_callee_are_discounted() -> None:
    def mark(service: str, score: float) -> Mark:
        return Mark(service, score, None, "cpu", "", None, ("ev",))

    given = [mark("gateway", 8.0), mark("cart", 10.0), mark("cache", 9.0), mark("payment", 1.0)]
    lowered = {one.service: one.score for one in discount_callers(given, TOPOLOGY)}
    assert lowered == pytest.approx({"gateway": 8 * CALLER_DISCOUNT, "cart": 10, "cache": 9, "payment": 1})
