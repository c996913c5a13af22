"""`quell serve`: API, worker and watcher."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import load_settings

if TYPE_CHECKING:
    from app.server.run import Listening


def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind, instead of server.host.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Instead of server.port; 0: a free one.")] = None,
    allow_insecure_bind: Annotated[
        bool, typer.Option("--allow-insecure-bind", help="Listen beyond this machine without TLS.")
    ] = False,
    watch: Annotated[bool, typer.Option(help="Look at the watched services too.")] = True,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run API, worker, watcher and scraper until SIGTERM or Ctrl-C. Logs go to standard error, as JSON."""
    from app.server.run import serve as serve_until_stopped
    from app.telemetry import configure_logging

    flags: dict[str, Any] = {"host": host, "port": port, "allow_insecure_bind": allow_insecure_bind or None}
    settings = load_settings({"server": {key: value for key, value in flags.items() if value is not None}})
    configure_logging(level=log_level)
    asyncio.run(serve_until_stopped(settings, _announce, watch=watch))


def _announce(listening: Listening) -> None:
    print(f"quell serves {listening.url}", flush=True)
    if listening.token.is_new:
        print(f"token (shown this once, kept in the data folder): {listening.token.value}", flush=True)
