"""A container as the noun that the rest of Quell knows."""

from __future__ import annotations

from datetime import datetime

from clients.docker.stats import Usage
from clients.docker.views import ContainerView
from clients.exits import exit_detail
from core.models import RunState, ServiceState

_STATES = {
    "running": RunState.RUNNING,
    "paused": RunState.SUSPENDED,
    "created": RunState.STOPPED,
    "restarting": RunState.EXITED,
    "exited": RunState.EXITED,
    "dead": RunState.EXITED,
    "removing": RunState.MISSING,
}
_MIB = 1024 * 1024


def state_of(
    service: str, view: ContainerView | None, usage: Usage | None, now: datetime, *, stopped_by_hand: bool
) -> ServiceState:
    """The state of a service from a look at its container; None means that there is none."""
    if view is None:
        return ServiceState(
            service=service, at=now, state=RunState.MISSING, healthy=False, health_detail="no container"
        )
    state = _STATES.get(view.status, RunState.UNKNOWN)
    if view.status == "exited" and stopped_by_hand:
        state = RunState.STOPPED
    elif view.running and view.health == "starting":
        state = RunState.STARTING
    ended = view.status in ("exited", "dead", "restarting")
    healthy = {"healthy": True, "unhealthy": False}.get(view.health) if view.running else False
    return ServiceState(
        service=service,
        at=now,
        state=state,
        healthy=healthy,
        health_detail=_detail(view, stopped_by_hand=stopped_by_hand),
        pid=view.pid or None,
        started_at=view.started_at,
        exit_code=view.exit_code if ended else None,
        out_of_memory=ended and view.out_of_memory,
        restarts=view.restarts,
        release=view.release,
        cpu_percent=usage.cpu_percent if usage else None,
        memory_bytes=usage.memory_bytes if usage else None,
    )


def _detail(view: ContainerView, *, stopped_by_hand: bool) -> str:
    parts: list[str] = []
    if view.out_of_memory:
        limit = f" (limit {view.memory_limit_bytes // _MIB} MiB)" if view.memory_limit_bytes else ""
        parts.append(f"killed by the kernel: out of memory{limit}")
    if view.status == "restarting":
        parts.append(f"{exit_detail(view.exit_code)}; the engine is restarting it, {view.restarts} times so far")
    elif view.status in ("exited", "dead"):
        parts.append("stopped on request" if stopped_by_hand else view.error or exit_detail(view.exit_code))
    elif view.health:
        parts.append(f"{view.health}: {view.health_detail}" if view.health_detail else view.health)
    return "; ".join(parts)
