"""A Swarm service as the noun that the rest of Quell knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from clients.docker.images import release_of
from clients.docker.stats import Usage
from clients.swarm.specs import image_of, replicas_of
from clients.swarm.tasks import ENDED, TaskView, ended_badly
from core.models import RunState, ServiceState

Json = dict[str, Any]


def state_of(
    service: str, told: Json | None, tasks: Sequence[TaskView], usages: Sequence[Usage], now: datetime
) -> ServiceState:
    """The state of a service from its specification and its tasks, newest first; None: there is no such service.

    With a health check it is healthy when all replicas run, since the swarm calls a task running only once its check
    has passed. Without one in its specification a task that runs may still answer nobody: that is not known then.
    """
    if told is None:
        detail = "no such Swarm service"
        return ServiceState(service=service, at=now, state=RunState.MISSING, healthy=False, health_detail=detail)
    spec = told["Spec"]
    running = [task for task in tasks if task.running]
    waiting = [task for task in tasks if task.wanted and task.state not in ENDED and not task.running]
    bad = ended_badly(tasks)
    count = replicas_of(spec)
    wanted = count if count is not None else len(running) + len(waiting)
    state = _run_state(wanted, running, waiting, bad)
    last = bad[0] if bad else None
    missing = len(running) < wanted
    return ServiceState(
        service=service,
        at=now,
        state=state,
        healthy=False if state is not RunState.RUNNING or missing else True if _checked(spec) else None,
        health_detail=_detail(wanted, running, last if missing else None),
        pid=running[0].pid or None if len(running) == 1 else None,
        started_at=min((task.since for task in running), default=None),
        exit_code=last.exit_code if last and state is RunState.EXITED else None,
        restarts=len(bad),
        replicas=wanted,
        release=release_of(image_of(spec), "", {}),
        cpu_percent=_total([usage.cpu_percent for usage in usages]),
        memory_bytes=_whole(_total([usage.memory_bytes for usage in usages])),
    )


def _checked(spec: Json) -> bool:
    """Whether the specification has a health check."""
    test = ((spec["TaskTemplate"].get("ContainerSpec") or {}).get("Healthcheck") or {}).get("Test")
    return bool(test) and test != ["NONE"]


def _run_state(
    wanted: int, running: Sequence[TaskView], waiting: Sequence[TaskView], bad: Sequence[TaskView]
) -> RunState:
    if wanted == 0:
        return RunState.STOPPED
    if running:
        return RunState.RUNNING
    # A service that keeps failing has a task in the making nearly all the time.
    if waiting and not bad:
        return RunState.STARTING
    return RunState.EXITED


def _detail(wanted: int, running: Sequence[TaskView], bad: TaskView | None) -> str:
    told = f"{len(running)} of {wanted} tasks run"
    return f"{told}; one {bad.detail}" if bad else told


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 1) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
