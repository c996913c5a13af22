"""Scores for tests: the hang drill gone well, and whatever is changed about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.models import ActionOutcome, Attempt, AttemptState, Diagnosis, FaultKind, Hypothesis, IncidentStatus
from drills.results import Score, Seconds, score
from drills.scenario import find_scenario
from tests.stores import samples


def diagnosed(service: str = "payment", kind: FaultKind = FaultKind.HANG) -> Diagnosis:
    """A diagnosis that names one cause."""
    cause = Hypothesis(service=service, kind=kind, statement="it is", probability=0.9, evidence_for=("ev_1",))
    return Diagnosis(hypotheses=(cause,), confidence=0.9)


def attempt(action: str = "restart", service: str = "payment", number: int = 0, **fields: Any) -> Attempt:
    """An action that was carried out, `number` seconds after the first one."""
    done = {"state": AttemptState.DONE, "outcome": ActionOutcome(ok=True, detail="done")}
    at = samples.NOON + timedelta(seconds=number)
    return samples.attempt(f"att_{number}", samples.proposal(service, action), reserved_at=at, **{**done, **fields})


def judged(**changes: Any) -> Score:
    """The hang drill, gone well unless changed."""
    facts = {
        "target": "payment",
        "expected": "payment",
        "environment": "processes",
        "seed": None,
        "incident": samples.incident(status=IncidentStatus.RESOLVED, rung="rules", outcome="recovered"),
        "diagnosis": diagnosed(),
        "attempts": (attempt(),),
        "changed": frozenset({"payment"}),
        "false_alarms": 0,
        "recovered": True,
        "seconds": Seconds(detect=3.0, diagnose=4.0, act=5.0, recover=8.0, total=30.0),
    }
    scenario = changes.pop("scenario", None) or find_scenario("hang")
    return score(scenario, **{**facts, **changes})
