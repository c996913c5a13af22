"""Waiting until a container that was just started is well, has ended, or took too long."""

from __future__ import annotations

from clients.docker.engine import Engine
from clients.docker.views import ContainerView, container_view
from clients.exits import exit_detail
from core.clock import Clock

SETTLE_SECONDS = 0.5
"""How long a container without a health check must live to count as started."""
LONGEST_SECONDS = 60.0
"""No action waits longer; whether the service is well is then for the metrics to say."""
POLL_SECONDS = 0.1


async def look(engine: Engine, name: str) -> ContainerView | None:
    """A container now, its times on Quell's clock; None when there is none."""
    skew = await engine.skew()
    told = await engine.container(name)
    return None if told is None else container_view(told, skew)


async def settled(engine: Engine, name: str, clock: Clock) -> tuple[bool, str]:
    """Whether it is well, and why.

    Raises:
        SourceUnavailable: the engine does not answer.
    """
    begun, alive_since, started_at = clock.monotonic(), clock.monotonic(), None
    while True:
        view = await look(engine, name)
        now = clock.monotonic()
        if view is None:
            return False, "the container is gone"
        if not view.running or view.started_at != started_at:
            alive_since, started_at = now, view.started_at
        decided = _decided(view, now - alive_since)
        if decided is not None:
            return decided
        waited = now - begun
        if waited >= min(view.health_seconds if view.health else LONGEST_SECONDS, LONGEST_SECONDS):
            if view.running and view.health == "starting":
                return True, "running; its health check has not decided yet"
            return False, f"the engine restarted it {view.restarts} times and it does not stay up"
        await clock.sleep(POLL_SECONDS)


def _decided(view: ContainerView, alive_seconds: float) -> tuple[bool, str] | None:
    """What one look tells; None while it is open."""
    if view.status == "paused":
        return False, "it is paused: unpause or restart it"
    if view.status in ("exited", "dead", "created"):
        out_of_memory = "out of memory, " if view.out_of_memory else ""
        return False, view.error or f"{out_of_memory}{exit_detail(view.exit_code)}"
    if not view.running:
        return None
    if view.health == "healthy":
        return True, "healthy"
    if view.health == "unhealthy":
        return False, f"its health check fails: {view.health_detail}"
    if not view.health and alive_seconds >= SETTLE_SECONDS:
        return True, "running; it has no health check"
    return None
