"""`quell supervise`: run the processes of quell.yaml until told to end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def supervise(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="quell.yaml to read")] = None,
) -> None:
    """Own the declared processes: start them, change them on request, end them when this ends. Restarts nothing."""
    from app.settings import Settings
    from app.supervisor.server import run_supervisor
    from core.clock import SystemClock
    from core.errors import ConfigError

    settings = Settings.load(config)
    if not settings.processes:
        raise ConfigError("no processes are declared", fix="list them under processes in quell.yaml")
    specs = [
        spec.model_copy(update={"working_directory": settings.path(spec.working_directory or ".")})
        for spec in settings.processes
    ]
    asyncio.run(run_supervisor(specs, settings.socket_path, settings.logs_path, SystemClock()))
