"""Judging a run."""

from __future__ import annotations

import json

import pytest

from core.models import AttemptState, Diagnosis, FaultKind, Hypothesis, IncidentStatus
from drills.results import DemoReport, key_of
from drills.scenario import Actions, Expected, find_scenario
from drills.scoreboard import COLUMNS, row, summary
from drills.shop.roles import Role
from tests.drills.scores import attempt, diagnosed, judged
from tests.stores import samples


def test_a_drill_that_went_well_passes():
    assert judged().passed


@pytest.mark.parametrize(
    "changes",
    [
        {"diagnosis": diagnosed("gateway")},
        {"diagnosis": diagnosed(kind=FaultKind.CRASH)},
        {"diagnosis": Diagnosis(confidence=0.0, abstained="nothing stands out")},
        {"diagnosis": None, "incident": None},
        {"attempts": ()},
        {"attempts": (attempt(state=AttemptState.RESERVED),)},
        {"attempts": (attempt(dry_run=True),)},
        {"attempts": (attempt(), attempt("rollback", number=1))},
        {"attempts": (attempt(), attempt("restart", "cart", number=1))},
        {"changed": frozenset({"payment", "orders"})},
        {"recovered": False},
        {"false_alarms": 1},
    ],
)
def test_everything_that_is_judged_can_fail_a_drill(changes):
    assert not judged(**changes).passed


def test_who_was_touched_is_named():
    result = judged(attempts=(attempt(), attempt("stop", "cart", number=1)), changed=frozenset({"payment", "cache"}))
    assert result.innocents == ("cache", "cart")
    assert result.forbidden == ("stop",)


def test_actions_are_told_in_their_order_and_undo_is_marked():
    first, second = attempt(number=1), attempt("rollback", number=2, undo_of="att_1")
    assert [(a.action, a.undo) for a in judged(attempts=(second, first)).actions] == [
        ("restart", False),
        ("rollback", True),
    ]


def test_where_nothing_can_be_healed_doing_nothing_is_right():
    scenario = find_scenario("hang").model_copy(
        update={
            "actions": Actions(accepted=()),
            "expected": Expected(target=Role.PAYMENT, kinds=("hang",), recovers=False),
        }
    )
    assert judged(scenario=scenario, attempts=(), recovered=False).passed
    assert not judged(scenario=scenario, recovered=False).passed


def test_where_a_human_must_get_it_only_an_escalated_incident_passes():
    scenario = find_scenario("slow-dependency")
    facts = {
        "scenario": scenario,
        "target": "orders",
        "expected": "orders",
        "diagnosis": diagnosed("orders", FaultKind.NETWORK_DELAY),
        "attempts": (),
        "changed": frozenset(),
        "recovered": False,
    }
    escalated = samples.incident(status=IncidentStatus.ESCALATED, rung="human")
    assert judged(**facts, incident=escalated).passed
    assert not judged(**facts).passed, "nobody was told"
    assert not judged(**facts, incident=None).passed
    assert not judged(**{**facts, "attempts": (attempt("restart", "orders"),)}, incident=escalated).passed


def test_the_demo_report_has_exactly_the_promised_keys():
    report = json.loads(DemoReport.of(judged()).model_dump_json())
    assert list(report) == [
        "incident", "fault", "root_cause", "actions", "recovered", "seconds", "rung", "cost_usd",
    ]  # fmt: skip
    assert report["fault"] == {"service": "payment", "kind": "hang"}
    named = {"service": "payment", "kind": "hang", "confidence": 0.9, "evidence": ["ev_1"], "features": {}}
    assert report["root_cause"] == named
    assert set(report["seconds"]) == {"detect", "diagnose", "act", "recover", "total"}


def test_the_scoreboard_shows_what_was_judged():
    good, bad = judged(), judged(diagnosis=diagnosed("gateway"), seed=7, recovered=False, false_alarms=1)
    assert summary((good, bad)) == "1 of 2 passed, 1 false alarms before the fault"
    assert dict(zip(COLUMNS, row(good), strict=True)) == {
        "DRILL": "hang",
        "AS": "processes",
        "PASSED": "yes",
        "CAUSE": "yes: payment hang",
        "ACTIONS": "yes: restart payment",
        "INNOCENTS": "yes",
        "RECOVERED": "yes",
        "HUMAN": "yes: not asked",
        "SECONDS": "3/4/5/8 of 30",
        "RUNG": "rules",
        "COST": "$0.0000",
    }
    assert row(bad)[:4] == ("hang (seed 7)", "processes", "NO", "NO: gateway hang")


def test_a_slow_link_may_be_named_at_either_end_but_must_be_named():
    key = key_of(find_scenario("slow-dependency"), "orders", ("orders", "payment"))
    for service, kind, component, is_right in (
        ("orders", FaultKind.NETWORK_DELAY, "orders -> payment", True),
        ("payment", FaultKind.NETWORK_DELAY, "orders -> payment", True),
        ("payment", FaultKind.NETWORK_DELAY, "cart -> payment", False),
        ("orders", FaultKind.NETWORK_DELAY, "", False),
        ("cart", FaultKind.NETWORK_DELAY, "orders -> payment", False),
        ("payment", FaultKind.CRASH, "orders -> payment", False),
    ):
        first = Hypothesis(
            service=service, kind=kind, component=component, statement="slow", probability=0.8, evidence_for=("ev_1",)
        )
        assert key.met_by(first) is is_right
    assert not key.met_by(None)
