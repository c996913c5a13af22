"""Every known shape is found in the smallest view that shows it, and not when one of its needs is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from analysis.causes.known import SPEAKING
from analysis.patterns.library import LIBRARY
from analysis.patterns.match import PatternMatch, named, patterns
from analysis.topology import Topology
from analysis.view import ChangeView, StateView, SystemView
from core.models import Change, FaultKind, Finding, Forecast, RunState, ServiceState, Shape, Signal
from tests.analysis.shop import BASELINE, CONFIG, END, WINDOW

DEPENDENCIES = {"edge": ("middle",), "middle": ("leaf", "store"), "leaf": (), "store": ()}
ONSET = END - timedelta(seconds=4)
FULL = Forecast(limit=100, per_second=1, at=END, earliest=END, latest=None)
UP = {"current": 10.0, "baseline": 1.0}


def found(signal: Signal, shape: Shape = Shape.LEVEL_SHIFT, service: str = "middle", **fields: Any) -> Finding:
    given = {"magnitude": 9.0, "onset": ONSET, "evidence": (f"ev-{service}-{signal}",), **UP, **fields}
    return Finding(service=service, signal=signal, shape=shape, **given)


def line(text: str, service: str = "middle", **fields: Any) -> Finding:
    return found(Signal.LOGS, Shape.NEW_LOG, service, metric=text, **{"current": 1.0, "baseline": 0.0, **fields})


def change(kind: str, service: str = "middle", seconds_before: float = 1.0) -> ChangeView:
    at = ONSET - timedelta(seconds=seconds_before)
    return ChangeView(Change(service=service, kind=kind, at=at), f"ev-{service}-{kind}")


def state(service: str = "middle", **fields: Any) -> StateView:
    return StateView(
        ServiceState(service=service, at=END, **{"state": RunState.RUNNING, **fields}), f"ev-{service}-state"
    )


def view(changes: tuple[ChangeView, ...] = (), states: tuple[StateView, ...] = ()) -> SystemView:
    return SystemView("edge", WINDOW, BASELINE, (), (), states, changes, DEPENDENCIES, "", "")


def matches(
    *findings: Finding, changes: tuple[ChangeView, ...] = (), states: tuple[StateView, ...] = ()
) -> dict[str, PatternMatch]:
    """What `middle` shows, by name."""
    seen = patterns(view(changes, states), findings, Topology(DEPENDENCIES), CONFIG)
    return {match.pattern: match for match in seen if match.service == "middle"}


EXITS = tuple(change("exit", seconds_before=seconds) for seconds in (1, 2, 3))
TRAFFIC, ERRORS, LATENCY = found(Signal.TRAFFIC), found(Signal.ERRORS), found(Signal.LATENCY)
CALLER_ERRORS = found(Signal.ERRORS, service="edge")
LEAK = found(Signal.MEMORY, Shape.TREND)

CASES: dict[str, tuple[tuple[Finding, ...], tuple[ChangeView, ...], tuple[StateView, ...]]] = {
    "restart_loop": ((), EXITS, ()),
    "out_of_memory": ((), (), (state(state=RunState.EXITED, out_of_memory=True),)),
    "memory_leak": ((LEAK,), (), (state(),)),
    "disk_filling": ((found(Signal.DISK, Shape.TREND, forecast=FULL),), (), ()),
    "pool_exhaustion": ((line("QueuePool limit: connection pool exhausted"),), (), ()),
    "handle_leak": ((found(Signal.FILES, Shape.TREND),), (), ()),
    "saturation": ((found(Signal.CPU), LATENCY), (), ()),
    "noisy_neighbour": ((line("node is CPU contended by a co-tenant"), LATENCY), (), ()),
    "poison_record": ((line("record 17 is malformed"), ERRORS), (), ()),
    "retry_storm": ((TRAFFIC, ERRORS, CALLER_ERRORS), (), ()),
    "thundering_herd": ((TRAFFIC, LATENCY), (change("start"),), ()),
    "traffic_surge": ((TRAFFIC, LATENCY), (), ()),
    "cold_cache": (
        (found(Signal.LATENCY, service="edge"), found(Signal.TRAFFIC, service="side")),
        (change("restart"),),
        (state(),),
    ),
    "cascading_timeout": ((LATENCY, found(Signal.LATENCY, service="leaf"), CALLER_ERRORS), (), ()),
    "deploy_regression": ((ERRORS,), (change("deploy"),), ()),
    "configuration_regression": ((line("cannot parse"),), (change("config"),), ()),
    "flapping": ((found(Signal.UP, Shape.ABSENT_UP, current=0.5),), (), ()),
    "clock_skew": ((line("token is not yet valid"),), (), ()),
    "expired_certificate": ((line("tls: certificate has expired"),), (), ()),
    "name_resolution": ((line("dial tcp: lookup store: no such host"),), (), ()),
    "log_flood": ((line("boom", current=50.0),), (), ()),
    "starvation": ((found(Signal.TRAFFIC, Shape.ZERO, current=0.0),), (), (state(),)),
    "frozen_metric": ((found(Signal.CLOCK, Shape.FLATLINE),), (), ()),
}


@pytest.fixture(autouse=True)
def _a_side_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """`edge` also calls `side`, which is what lies behind the cache `middle`."""
    monkeypatch.setitem(DEPENDENCIES, "edge", ("middle", "side"))


def test_every_shape_of_the_library_is_tried() -> None:
    assert set(CASES) == {pattern.name for pattern in LIBRARY}
    assert len(CASES) == len(LIBRARY)


@pytest.mark.parametrize("name", CASES)
def test_the_smallest_view_that_shows_it(name: str) -> None:
    findings, changes, states = CASES[name]
    match = matches(*findings, changes=changes, states=states)[name]
    assert match.evidence
    assert match.statement.startswith("middle ")
    assert match.kind == next(pattern.kind for pattern in LIBRARY if pattern.name == name)
    assert {*match.findings} <= {*findings}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_shown_when_one_part_is_missing(name: str) -> None:
    findings, changes, states = CASES[name]
    for index in range(len(findings)):
        fewer = findings[:index] + findings[index + 1 :]
        assert name not in matches(*fewer, changes=changes, states=states)
    for index in range(len(changes)):
        fewer_changes = changes[:index] + changes[index + 1 :]
        assert name not in matches(*findings, changes=fewer_changes, states=states)


def test_a_calm_system_shows_nothing() -> None:
    assert matches() == {}
    assert matches(states=(state(),), changes=(change("deploy"), change("restart"))) == {}


def test_memory_that_grows_with_the_load_is_no_leak() -> None:
    assert "memory_leak" not in matches(LEAK, TRAFFIC)
    assert "memory_leak" not in matches(LEAK, states=(state(state=RunState.EXITED),))


def test_more_requests_that_a_caller_explains_are_no_surge_and_no_retry_storm() -> None:
    caller = found(Signal.TRAFFIC, service="edge")
    shown = matches(TRAFFIC, ERRORS, CALLER_ERRORS, caller)
    assert "traffic_surge" not in shown
    assert "retry_storm" not in shown


def test_a_deploy_after_the_trouble_began_is_none_of_its_causes() -> None:
    assert "deploy_regression" not in matches(ERRORS, changes=(change("deploy", seconds_before=-3),))
    assert "deploy_regression" not in matches(ERRORS, changes=(change("deploy", seconds_before=4000),))


def test_findings_carry_the_name_of_what_they_are_part_of() -> None:
    findings = (LEAK, CALLER_ERRORS)
    seen = patterns(view(states=(state(),)), findings, Topology(DEPENDENCIES), CONFIG)
    told = named(findings, seen)
    assert [finding.pattern for finding in told] == ["memory_leak", ""]


def test_names_of_services_do_not_matter() -> None:
    for findings, changes, states in CASES.values():
        renamed = {"edge": "a", "middle": "zz", "leaf": "b", "store": "c", "side": "d"}
        others = tuple(one.model_copy(update={"service": renamed[one.service]}) for one in findings)
        moved = tuple(replace(one, change=one.change.model_copy(update={"service": "zz"})) for one in changes)
        seen = tuple(replace(one, state=one.state.model_copy(update={"service": "zz"})) for one in states)
        graph = {renamed[name]: tuple(renamed[each] for each in calls) for name, calls in DEPENDENCIES.items()}
        there = patterns(replace(view(moved, seen), dependencies=graph), others, Topology(graph), CONFIG)
        here = patterns(view(changes, states), findings, Topology(DEPENDENCIES), CONFIG)
        assert [match.pattern for match in there] == [match.pattern for match in here]


def test_every_kind_that_a_shape_may_be_suspected_of_has_a_shape() -> None:
    assert {pattern.kind for pattern in LIBRARY} >= SPEAKING
    assert FaultKind.MEMORY_LEAK in SPEAKING
