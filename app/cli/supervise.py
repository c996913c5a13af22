"""`quell supervise`: run the processes of quell.yaml until told to end."""

from __future__ import annotations

import asyncio


def supervise() -> None:
    """Own the declared processes: start them, change them on request, end them when this ends. Restarts nothing.

    Logs go to standard error, as JSON.
    """
    from app.cli.options import load_settings
    from app.supervisor.server import run_supervisor
    from app.telemetry import configure_logging
    from core.errors import ConfigError

    settings = load_settings()
    if not settings.processes:
        raise ConfigError("no processes are declared", fix="list them under processes in quell.yaml")
    configure_logging()
    specs = [
        spec.model_copy(update={"working_directory": settings.path(spec.working_directory or ".")})
        for spec in settings.processes
    ]
    asyncio.run(run_supervisor(specs, settings.socket_path, settings.logs_path, settings.clock))
