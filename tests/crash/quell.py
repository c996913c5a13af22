"""Quell as a process that stops at a named point: ``python quell.py CONFIG [POINT MARKER]``.

At the point it writes the marker file and waits there until it is killed, or let go by a file beside the marker. Hooks
are given to `bootstrap`; nothing else differs from `quell serve` without its API.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from app.bootstrap import open_app
from app.settings import Settings
from app.telemetry import configure_logging
from core.hooks import Hooks, NoHooks
from stores.migrate import upgrade


class BlockAt:
    """Stops once at one point; of several processes with the same marker, the first one that gets there."""

    def __init__(self, point: str, marker: Path) -> None:
        self._point = point
        self._marker = marker

    async def at(self, point: str, incident_id: str) -> None:
        """Say which process reached the point, and stay until the test lets it go."""
        if point != self._point:
            return
        try:
            with self._marker.open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return
        while not gate(self._marker).exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.05)


def gate(marker: Path) -> Path:
    """The file that lets a process go on."""
    return marker.with_suffix(".go")


async def main() -> None:
    """Run until killed."""
    configure_logging()
    settings = Settings.load(Path(sys.argv[1]))
    hooks: Hooks = BlockAt(sys.argv[2], Path(sys.argv[3])) if len(sys.argv) > 2 else NoHooks()
    await upgrade(settings.store_url)
    async with open_app(settings, hooks=hooks) as app, app.running(watch=False):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
