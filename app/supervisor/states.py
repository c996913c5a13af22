"""What a child looks like from outside."""

from __future__ import annotations

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
