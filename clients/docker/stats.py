"""CPU and memory of containers, as `docker stats` computes them (docker/cli, command/container/stats_helpers.go)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from clients.docker.engine import Engine
from clients.docker.times import parse_nanoseconds
from core.errors import SourceError

Json = dict[str, Any]
KEPT_SAMPLES = 1000
OLDEST_SAMPLE_SECONDS = 60.0
_CACHE_KEYS = ("total_inactive_file", "inactive_file")
"""Page cache that the kernel gives back at need: cgroup v1, cgroup v2."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container uses; None where the engine does not tell.

    Attributes:
        cpu_percent: of one core.
    """

    cpu_percent: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class _Sample:
    at: int
    cpu: int


class UsageMeter:
    """Reads usage; CPU since the look before where that is fresh, else over one second (which that look then takes)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._samples: OrderedDict[str, _Sample] = OrderedDict()

    async def read(self, container_id: str, *, wait: bool = True) -> Usage:
        """Usage now; unknown when the engine cannot tell.

        Args:
            wait: take a second for the CPU where there is no fresh look before.
        """
        before = self._samples.get(container_id)
        try:
            told = await self._engine.stats(container_id, one_shot=before is not None or not wait)
            now = _sample(told.get("cpu_stats"), told.get("read"))
            if before is not None and now is not None and now.at - before.at > OLDEST_SAMPLE_SECONDS * 1e9:
                before = None
                told = await self._engine.stats(container_id, one_shot=False) if wait else told
                now = _sample(told.get("cpu_stats"), told.get("read"))
        except SourceError:
            return Usage()
        before = before or _sample(told.get("precpu_stats"), told.get("preread"))
        if now is not None:
            self._samples[container_id] = now
            self._samples.move_to_end(container_id)
        while len(self._samples) > KEPT_SAMPLES:
            self._samples.popitem(last=False)
        return Usage(_percent(before, now), _memory(told.get("memory_stats") or {}))


def _sample(cpu: Json | None, at: object) -> _Sample | None:
    total, nanoseconds = ((cpu or {}).get("cpu_usage") or {}).get("total_usage"), parse_nanoseconds(at)
    return _Sample(nanoseconds, int(total)) if total is not None and nanoseconds is not None else None


def _percent(before: _Sample | None, now: _Sample | None) -> float | None:
    if before is None or now is None or now.at <= before.at or now.cpu < before.cpu:
        return None
    return round(100.0 * (now.cpu - before.cpu) / (now.at - before.at), 1)


def _memory(told: Json) -> int | None:
    usage, parts = told.get("usage"), told.get("stats") or {}
    if usage is None:
        return None
    cache = next((int(parts[key]) for key in _CACHE_KEYS if key in parts), 0)
    return int(usage) - cache if cache < int(usage) else int(usage)
