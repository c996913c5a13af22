"""What `quell doctor` shows of an engine."""

from __future__ import annotations

from clients.docker.engine import Engine
from core.errors import SourceError
from core.ports import SourceStatus


async def engine_status(engine: Engine, name: str, *, swarm: bool = False) -> SourceStatus:
    """Whether the engine answers, which one it is, and how far its clock is off.

    Args:
        swarm: it must manage a swarm too.
    """
    try:
        told, info = await engine.version(), await engine.info()
        skew_seconds = (await engine.skew()).total_seconds()
    except SourceError as error:
        return SourceStatus(name=name, configured=True, detail=error.message, fix=error.fix)
    version = f"{told.get('Version', '?')} (API {told.get('ApiVersion', '?')})"
    detail = f"{engine.url}: {info.get('ContainersRunning', 0)} of {info.get('Containers', 0)} containers run"
    if skew_seconds:
        detail += f"; its clock is {skew_seconds:+.0f} s off, which is allowed for"
    manages = bool((info.get("Swarm") or {}).get("ControlAvailable"))
    if swarm and not manages:
        return SourceStatus(
            name=name,
            configured=True,
            version=version,
            detail=f"{engine.url}: not a manager of a swarm",
            fix="point docker.url at a manager, or run `docker swarm init`",
        )
    return SourceStatus(name=name, configured=True, reachable=True, version=version, detail=detail)
