"""What the tasks of a service say. An update that reports `completed` may have tasks that were all rejected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clients.docker.times import parse_time
from clients.docker.views import signal_or_code
from clients.exits import exit_detail
from clients.swarm.specs import force_of, image_of, replicas_of

Json = dict[str, Any]

ENDED_BADLY = ("failed", "rejected", "orphaned")
ENDED = (*ENDED_BADLY, "complete", "shutdown", "remove")
CRASHES_THAT_COUNT = 2
"""A task that fails once may have met a passing fault; the swarm replaces it."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task.

    Attributes:
        state: as in swarmkit's api/types.proto: new, pending, assigned, ..., running, complete, failed, rejected ...
        wanted: whether the swarm wants it to run, now or as soon as the task it replaces has ended.
        slot: what it is one of: its replica's number, or the node of a global service.
        since: when it came into that state.
        exit_code: negative: killed by that signal number; None while it runs or when it never ran.
    """

    id: str
    state: str
    wanted: bool
    since: datetime
    created_at: datetime
    error: str
    exit_code: int | None
    container_id: str
    pid: int
    image: str
    force: int
    slot: str

    @property
    def running(self) -> bool:
        """Whether it runs and is meant to."""
        return self.wanted and self.state == "running"

    @property
    def detail(self) -> str:
        """How it ended, in words."""
        if self.error and self.exit_code is None:
            return f"{self.state}: {self.error}"
        return f"{self.state}: {exit_detail(self.exit_code or 0)}"


def ended_badly(tasks: Sequence[TaskView]) -> list[TaskView]:
    """Tasks that ended badly by themselves, in the order given.

    One whose replacement was made before it ended had been told to end: that it had to be killed is no crash.
    """
    bad = [task for task in tasks if task.state in ENDED_BADLY]
    return [task for task in bad if not any(_replaces(other, task) for other in tasks)]


def _replaces(other: TaskView, task: TaskView) -> bool:
    """Whether `other` was made to take the place of `task` while that one still ran."""
    return bool(task.slot) and other.slot == task.slot and task.created_at < other.created_at <= task.since


def task_views(rows: Iterable[Json], skew: timedelta) -> list[TaskView]:
    """Read the answer of ``GET /tasks``, newest first."""
    views = [view for row in rows if (view := _view(row, skew)) is not None]
    return sorted(views, key=lambda view: view.created_at, reverse=True)


def _view(row: Json, skew: timedelta) -> TaskView | None:
    status, spec = row.get("Status") or {}, row.get("Spec") or {}
    since, created = parse_time(status.get("Timestamp")), parse_time(row.get("CreatedAt"))
    if since is None or created is None:
        return None
    state, container = str(status.get("State", "")), status.get("ContainerStatus") or {}
    ran = state in ENDED and bool(container.get("ContainerID"))
    return TaskView(
        id=str(row.get("ID", "")),
        state=state,
        wanted=row.get("DesiredState") in ("ready", "running"),
        since=since - skew,
        created_at=created - skew,
        error=str(status.get("Err") or ""),
        exit_code=signal_or_code(int(container.get("ExitCode") or 0)) if ran else None,
        container_id=str(container.get("ContainerID") or ""),
        pid=int(container.get("PID") or 0),
        image=str((spec.get("ContainerSpec") or {}).get("Image", "")),
        force=force_of(spec),
        slot=str(row.get("Slot") or row.get("NodeID") or ""),
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an update is.

    Attributes:
        done: every task that is wanted runs as the specification says, and no other one runs.
        failed: why it will not get there; empty while it may.
    """

    done: bool
    failed: str
    detail: str


def progress(spec: Json, tasks: Sequence[TaskView], since: datetime | None, status: Json) -> Progress:
    """Compare tasks with a specification.

    Args:
        since: only failures after this time count; None: all of those that match the specification.
        status: the service's ``UpdateStatus``.
    """
    wanted = replicas_of(spec)
    fits = [task for task in tasks if _fits(task, spec)]
    right = [task for task in fits if task.running]
    stale = [task for task in tasks if task.state not in ENDED and task not in fits]
    live = [task for task in tasks if task.state not in ENDED]
    enough = len(right) == wanted if wanted is not None else bool(right) and all(task.running for task in live)
    done = enough and not stale and (wanted != 0 or not live)
    detail = f"{len(right)} of {wanted if wanted is not None else len(live)} tasks run"
    return Progress(done, "" if done else _failure(fits, since, status), detail)


def _failure(fits: Sequence[TaskView], since: datetime | None, status: Json) -> str:
    bad = [task for task in fits if task.state in ENDED_BADLY and (since is None or task.since >= since)]
    rejected = [task for task in bad if task.state == "rejected"]
    if rejected:
        return rejected[0].detail
    if len(bad) >= CRASHES_THAT_COUNT:
        return bad[0].detail
    if bad and status.get("State") in ("paused", "rollback_paused", "rollback_completed"):
        return f"{status.get('Message', 'the update is paused')}; {bad[0].detail}"
    return ""


def _fits(task: TaskView, spec: Json) -> bool:
    return (task.image, task.force) == (image_of(spec), force_of(spec["TaskTemplate"]))
