"""What a child, and a group of them, looks like from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from app.supervisor.child import Child
from app.supervisor.health import probe
from app.supervisor.journal import Standing
from clients.exits import exit_detail
from core.models import RunState, ServiceState


async def describe(child: Child, standing: Standing, now: datetime) -> ServiceState:
    """The process's state: /proc for life, CPU and memory; its health check for whether it is well."""
    stat, cpu_percent = child.look()
    run = child.run
    if stat is None:
        await child.ended()  # a zombie is reaped in a moment; only then is its exit code known
    state = ServiceState(
        service=child.spec.name,
        at=now,
        state=RunState.STOPPED,
        healthy=False,
        started_at=run.started_at if run else None,
        exit_code=run.exit_code if run else None,
        restarts=max(0, child.starts - 1),
        release=standing.release,
        previous_release=standing.previous,
    )
    if child.start_error or run is None:
        how = RunState.MISSING if child.start_error else RunState.STOPPED
        return state.model_copy(update={"state": how, "health_detail": child.start_error})
    if stat is None or run.exit_code is not None:
        how = RunState.STOPPED if child.stopped else RunState.EXITED
        detail = "stopped on request" if child.stopped else exit_detail(run.exit_code or 0)
        return state.model_copy(update={"state": how, "health_detail": detail})
    state = state.model_copy(update={"pid": run.pid, "cpu_percent": cpu_percent, "memory_bytes": stat.memory_bytes})
    if stat.suspended:
        return state.model_copy(update={"state": RunState.SUSPENDED, "health_detail": "suspended by a signal"})
    health = await probe(child.spec.health)
    how = RunState.STARTING if child.starting(bool(health.healthy)) else RunState.RUNNING
    return state.model_copy(update={"state": how, "healthy": health.healthy, "health_detail": health.detail})


_ORDER = (RunState.RUNNING, RunState.STARTING, RunState.SUSPENDED, RunState.EXITED, RunState.MISSING, RunState.STOPPED)
"""As long as one replica runs the group does; else the liveliest state of a replica is that of the group."""


def describe_group(process: str, states: Mapping[int, ServiceState], now: datetime) -> ServiceState:
    """The replicas together; healthy when all are, and unknown when nothing says that one is not.

    Args:
        states: of each replica that is to run, by number.
    """
    each = tuple(states.values())
    state = next(state for state in _ORDER if any(one.state is state for one in each))
    running = [one for one in each if one.state is RunState.RUNNING]
    ill = {n: one for n, one in states.items() if one.state is not RunState.RUNNING or one.healthy is False}
    ended = [one for one in each if one.exit_code is not None]
    told = [f"replica {number}: {one.health_detail or one.state}" for number, one in ill.items()]
    return ServiceState(
        service=process,
        at=now,
        state=state,
        healthy=False if ill else True if all(one.healthy for one in each) else None,
        health_detail="; ".join([f"{len(running)} of {len(each)} replicas run", *told]),
        pid=running[0].pid if len(each) == 1 and running else None,
        started_at=min((one.started_at for one in running if one.started_at), default=None),
        exit_code=ended[0].exit_code if ended and state is RunState.EXITED else None,
        restarts=sum(one.restarts for one in each),
        replicas=len(each),
        release=each[0].release,
        previous_release=each[0].previous_release,
        cpu_percent=_total(one.cpu_percent for one in each),
        memory_bytes=_total(one.memory_bytes for one in each),
    )


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
