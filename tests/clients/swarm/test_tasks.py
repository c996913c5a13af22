"""What tasks tell of a service while it is being replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clients.swarm.states import state_of
from clients.swarm.tasks import TaskView, ended_badly, task_views
from core.models import RunState

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
TOLD = {"Spec": {"Mode": {"Replicated": {"Replicas": 1}}, "TaskTemplate": {"ContainerSpec": {"Image": "web:v2"}}}}


def row(name: str, state: str, desired: str, *, made: float, since: float, code: int = 0) -> dict[str, Any]:
    """A task as the engine tells it; times in seconds after noon."""
    return {
        "ID": name,
        "Slot": 1,
        "CreatedAt": (NOON + timedelta(seconds=made)).isoformat(),
        "DesiredState": desired,
        "Spec": {"ContainerSpec": {"Image": "web:v2"}},
        "Status": {
            "State": state,
            "Timestamp": (NOON + timedelta(seconds=since)).isoformat(),
            "ContainerStatus": {"ContainerID": f"c-{name}", "ExitCode": code},
        },
    }


def seen(*rows: dict[str, Any]) -> list[TaskView]:
    return task_views(rows, timedelta())


def state(*rows: dict[str, Any]) -> RunState:
    return state_of("web", TOLD, seen(*rows), (), NOON).state


@pytest.mark.parametrize("ended", ["shutdown", "failed"])
def test_between_the_old_task_and_the_new_one_a_service_starts(ended: str) -> None:
    old = row("old", ended, "shutdown", made=0, since=61, code=137)
    new = row("new", "ready", "ready", made=60, since=60.5)
    assert state(old, new) is RunState.STARTING
    assert ended_badly(seen(old, new)) == []


def test_a_task_that_failed_before_its_replacement_was_made_has_crashed() -> None:
    old = row("old", "failed", "shutdown", made=0, since=60, code=1)
    new = row("new", "ready", "ready", made=60.1, since=60.2)
    assert state(old, new) is RunState.EXITED
    assert [task.id for task in ended_badly(seen(old, new))] == ["old"]


def test_a_task_of_another_replica_excuses_nothing() -> None:
    old = row("old", "failed", "shutdown", made=0, since=61, code=1)
    other = {**row("other", "running", "running", made=60, since=60.5), "Slot": 2}
    assert [task.id for task in ended_badly(seen(old, other))] == ["old"]
