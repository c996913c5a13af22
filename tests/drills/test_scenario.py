"""Scenarios as files: those that ship, and mistakes told with their place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from core.errors import NotFound, ScenarioError
from core.models import Autonomy, FaultKind
from drills.environments import EnvironmentKind
from drills.environments.links import Link
from drills.faults import INJECTORS
from drills.scenario import Approver, find_scenario, read_scenario, scenarios
from drills.shop.roles import Role

GOOD = {
    "name": "mine",
    "title": "Payment is killed",
    "fault": {"kind": "crash", "target": "payment"},
    "expected": {"target": "payment", "kinds": ["crash"]},
    "actions": {"accepted": ["start"]},
    "clock_start": "2026-03-03T11:00:00Z",
}


def write(folder: Path, content: object, name: str = "mine.yaml") -> Path:
    """A scenario file."""
    file = folder / name
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return file


EVERYWHERE = ["bad-release", "crash", "hang", "memory-leak", "slow-dependency", "wedged-worker"]


def test_those_that_ship_cover_every_fault_that_can_be_caused():
    shipped = scenarios()
    assert [scenario.name for scenario in shipped] == sorted([*EVERYWHERE, "memory-growth"])
    assert {scenario.fault.kind for scenario in shipped} == set(INJECTORS)
    assert all(scenario.autonomy is Autonomy.ACT for scenario in shipped)
    asked = [scenario.name for scenario in shipped if scenario.approver is not Approver.NONE]
    assert asked == ["memory-growth"], "a human is asked before a cache is restarted"


def test_a_limit_of_memory_needs_a_container():
    everywhere = [scenario.name for scenario in scenarios() if set(scenario.environments) == set(EnvironmentKind)]
    assert everywhere == EVERYWHERE
    assert set(find_scenario("memory-growth").environments) == {EnvironmentKind.DOCKER, EnvironmentKind.SWARM}


def test_where_nobody_is_to_blame_nothing_may_be_done_and_a_human_must_get_it():
    slow = find_scenario("slow-dependency")
    assert slow.actions.accepted == ()
    assert set(slow.actions.forbidden) >= {"restart", "start", "stop", "rollback"}
    assert slow.expected.human
    assert not slow.expected.recovers
    assert slow.fault.link == Link(Role.ORDERS, Role.PAYMENT)
    assert find_scenario("hang").fault.link is None


def test_what_does_not_help_is_forbidden():
    assert "restart" in find_scenario("bad-release").actions.forbidden
    assert "rollback" in find_scenario("wedged-worker").actions.forbidden


def test_the_drills_take_place_in_business_hours():
    for scenario in scenarios():
        assert scenario.clock_start.weekday() < 5
        assert 8 <= scenario.clock_start.hour < 17


def test_an_unknown_name_lists_those_that_exist():
    with pytest.raises(
        NotFound, match="bad-release, crash, hang, memory-growth, memory-leak, slow-dependency, wedged-worker"
    ):
        find_scenario("meteor")


def test_a_file_becomes_a_scenario(tmp_path):
    scenario = read_scenario(write(tmp_path, GOOD))
    assert scenario.fault.target is Role.PAYMENT
    assert scenario.expected.kinds == (FaultKind.CRASH,)
    assert scenario.settings == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"fault": {"kind": "crash", "target": "kitchen"}}, "fault.target"),
        ({"fault": {"kind": "dns", "target": "payment"}}, "nothing here can cause dns"),
        ({"fault": {"kind": "bad_release", "target": "cart"}}, "cannot be caused at cart: only at orders"),
        ({"fault": {"kind": "hang", "target": "cart", "parameters": {"x": "1"}}}, "hang has no parameter x"),
        ({"fault": {"kind": "network_delay", "target": "orders"}}, "one that orders calls: cart, payment"),
        (
            {"fault": {"kind": "network_delay", "target": "orders", "parameters": {"dependency": "cache"}}},
            "needs the parameter dependency",
        ),
        ({"environments": ["moon"]}, "environments"),
        ({"environments": []}, "environments"),
        ({"expected": {"target": "payment", "kinds": []}}, "expected.kinds"),
        ({"actions": {"accepted": ["reboot"]}}, "reboot is no action"),
        ({"actions": {"accepted": ["start"], "forbidden": ["start"]}}, "both accepted and forbidden"),
        ({"clock_start": "2026-03-03T11:00:00"}, "without a zone"),
        ({"approver": "maybe"}, "approver"),
        ({"surprise": 1}, "surprise"),
        ({"name": "other"}, "name: is other"),
    ],
)
def test_mistakes_are_told_with_file_and_key(tmp_path, change, told):
    with pytest.raises(ScenarioError) as raised:
        read_scenario(write(tmp_path, {**GOOD, **change}))
    assert str(raised.value).startswith("mine.yaml: ")
    assert told in str(raised.value)
    assert raised.value.fix


@pytest.mark.parametrize("content", ["a: [", "- a list", b"\xff\xfe\x00".decode("latin-1"), ""])
def test_what_is_no_scenario_at_all_is_told_too(tmp_path, content):
    with pytest.raises(ScenarioError, match=r"mine\.yaml"):
        read_scenario(write(tmp_path, content))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenario(tmp_path / "mine.yaml")
