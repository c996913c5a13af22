"""A harder view holds less, of everything alike, and what is taken away does not depend on names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.view import SystemView, TraceFrame
from bench.calibration.hardships import AS_SEEN, HARDSHIPS, blind, thinned
from tests.analysis.shop import Shop

PARTS = ("signals", "logs", "traces", "states", "changes")


@pytest.fixture(scope="module")
def whole() -> SystemView:
    shop = Shop()
    shop.deploy("orders")
    view = shop.view()
    traces = tuple(TraceFrame(name, (), (), (), {}, 0, 0, f"spans-{name}") for name in view.dependencies)
    return replace(view, traces=traces)


def services(view: SystemView) -> dict[str, list[str]]:
    """By part of the view, whom each entry is about."""
    return {
        "signals": [one.service for one in view.signals],
        "logs": [one.service for one in view.logs],
        "traces": [one.service for one in view.traces],
        "states": [one.state.service for one in view.states],
        "changes": [one.change.service for one in view.changes],
    }


def drawn(whole: SystemView, view: SystemView) -> dict[str, list[int]]:
    """By part, the positions of the entries of the whole view that are left."""
    left = {part: {id(entry) for entry in getattr(view, part)} for part in PARTS}
    return {part: [at for at, one in enumerate(getattr(whole, part)) if id(one) in left[part]] for part in PARTS}


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_of_everything_a_share_is_kept(whole: SystemView, share: float) -> None:
    kept = dict.fromkeys(PARTS, 0)
    for seed in range(200):
        view = thinned(whole, share, seed)
        for part, positions in drawn(whole, view).items():
            assert len(positions) == len(getattr(view, part))
            kept[part] += len(positions)
        assert (view.window, view.baseline, view.dependencies) == (whole.window, whole.baseline, whole.dependencies)
    for part in PARTS:
        assert kept[part] / (200 * len(getattr(whole, part))) == pytest.approx(share, abs=0.12)


def test_what_is_kept_is_drawn_by_position_and_seed(whole: SystemView) -> None:
    names = {name: f"x{index}" for index, name in enumerate(reversed(whole.dependencies))}
    renamed = replace(whole, signals=tuple(replace(one, service=names[one.service]) for one in whole.signals))
    kept = drawn(whole, thinned(whole, 0.5, 3))
    assert drawn(renamed, thinned(renamed, 0.5, 3)) == kept
    assert drawn(whole, thinned(whole, 0.5, 3)) == kept
    assert drawn(whole, thinned(whole, 0.5, 4)) != kept


def test_blind_to_a_service_is_blind_to_nothing_else(whole: SystemView) -> None:
    before, after = services(whole), services(blind(whole, "orders"))
    for part in PARTS:
        assert "orders" in before[part]
        assert after[part] == [name for name in before[part] if name != "orders"]
    assert blind(whole, "orders").dependencies == whole.dependencies


def test_the_first_hardship_is_none_and_each_has_a_name_of_its_own(whole: SystemView) -> None:
    first = HARDSHIPS[0]
    assert (first.name, first.change(whole, "orders", 1)) == (AS_SEEN, whole)
    assert len({each.name for each in HARDSHIPS}) == len(HARDSHIPS)
    sizes = [len(each.change(whole, "orders", 1).signals) for each in HARDSHIPS if each.name != "blind"]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
