"""What Quell reads of a container: the engine's JSON as a typed record, its times on Quell's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clients.docker.images import release_of
from clients.docker.times import parse_time

Json = dict[str, Any]
_SIGNAL_FROM, _SIGNAL_TO = 128, 192
_NANO = 1e9
ENGINE_RESTARTS = ("always", "unless-stopped", "on-failure")
DEFAULT_STOP_SECONDS = 10
DEFAULT_PROBE_SECONDS = 30.0
DEFAULT_PROBE_RETRIES = 3


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One look at a container.

    Attributes:
        status: created, running, paused, restarting, removing, exited or dead.
        exit_code: negative: killed by that signal number (128 + n, as shells and engines write it).
        health: starting, healthy or unhealthy; empty without a health check.
        health_detail: what the last probe printed.
        policy: the engine's own restart policy; empty or "no" when it does not act.
        stop_seconds: grace between the stop signal and SIGKILL.
        health_seconds: how long a fresh container may take until its check has decided.
    """

    id: str
    name: str
    image: str
    image_id: str
    release: str
    labels: dict[str, str]
    status: str
    pid: int
    exit_code: int
    out_of_memory: bool
    error: str
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    restarts: int
    policy: str
    health: str
    health_detail: str
    stop_seconds: int
    health_seconds: float
    memory_limit_bytes: int

    @property
    def running(self) -> bool:
        """Whether its main process lives and may run."""
        return self.status == "running"

    @property
    def engine_restarts(self) -> bool:
        """Whether the engine starts it again when it ends by itself."""
        return self.policy in ENGINE_RESTARTS


def container_view(told: Json, skew: timedelta) -> ContainerView:
    """Read the answer of ``GET /containers/{id}/json``.

    Args:
        skew: how far the engine's clock is ahead.
    """
    state, config, host = told.get("State") or {}, told.get("Config") or {}, told.get("HostConfig") or {}
    health = state.get("Health") or {}
    check = config.get("Healthcheck") or {}
    reference, image_id, labels = str(config.get("Image", "")), str(told.get("Image", "")), config.get("Labels") or {}
    return ContainerView(
        id=str(told["Id"]),
        name=str(told.get("Name", "")).removeprefix("/"),
        image=reference,
        image_id=image_id,
        release=release_of(reference, image_id, labels),
        labels=labels,
        status=str(state.get("Status", "")),
        pid=int(state.get("Pid") or 0),
        exit_code=signal_or_code(int(state.get("ExitCode") or 0)),
        out_of_memory=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        created_at=_ours(told.get("Created"), skew),
        started_at=_ours(state.get("StartedAt"), skew),
        finished_at=_ours(state.get("FinishedAt"), skew),
        restarts=int(told.get("RestartCount") or 0),
        policy=str((host.get("RestartPolicy") or {}).get("Name") or ""),
        health=str(health.get("Status") or "").replace("none", ""),
        health_detail=_last_probe(health),
        stop_seconds=int(config.get("StopTimeout") or DEFAULT_STOP_SECONDS),
        health_seconds=_health_seconds(check),
        memory_limit_bytes=int(host.get("Memory") or 0),
    )


def signal_or_code(code: int) -> int:
    """An exit code as in `core.models.ServiceState`."""
    return _SIGNAL_FROM - code if _SIGNAL_FROM < code < _SIGNAL_TO else code


def _ours(text: object, skew: timedelta) -> datetime | None:
    at = parse_time(text)
    return None if at is None else at - skew


def _last_probe(health: Json) -> str:
    probes = health.get("Log") or []
    return " ".join(str(probes[-1].get("Output", "")).split())[:200] if probes else ""


def _health_seconds(check: Json) -> float:
    each = _seconds(check.get("Interval")) + _seconds(check.get("Timeout"))
    start = float(check.get("StartPeriod") or 0) / _NANO
    return start + each * int(check.get("Retries") or DEFAULT_PROBE_RETRIES)


def _seconds(nanoseconds: object) -> float:
    return float(nanoseconds) / _NANO if isinstance(nanoseconds, int) and nanoseconds else DEFAULT_PROBE_SECONDS
