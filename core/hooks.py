"""Named points of a run where a test, or a careful operator, may stop it."""

from __future__ import annotations

from typing import Protocol


class Hooks(Protocol):
    """Called at named points, such as ``act:reserved``; whatever it raises stops the run there."""

    async def at(self, point: str, incident_id: str) -> None: ...


class NoHooks:
    """Passes every point."""

    async def at(self, point: str, incident_id: str) -> None:
        return None
