"""`quell serve`: API, worker, watcher, scraper and dispatcher in one process, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog
import uvicorn

from app.bootstrap import open_app
from app.metrics import Metrics
from app.operations.context import Context
from app.server.api import create_api
from app.server.binding import base_url, check_binding
from app.server.settings import ServerSettings
from app.server.token import Token, ensure_token
from app.settings import Settings
from core.clock import Clock
from core.errors import ConfigError
from core.hooks import Hooks
from stores.migrate import upgrade

log = structlog.get_logger(__name__)

BACKLOG = 128
GRACE_SECONDS = 10
"""How long open requests may take to end after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What the user is told when the API answers."""

    url: str
    token: Token


class _Server(uvicorn.Server):
    """uvicorn raises a caught signal again when it is done, which would end the process before the rest is closed."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for each in signals:
            loop.add_signal_handler(each, self._end)
        try:
            yield
        finally:
            for each in signals:
                loop.remove_signal_handler(each)

    def _end(self) -> None:
        self.should_exit = True


async def serve(
    settings: Settings,
    announce: Callable[[Listening], None],
    *,
    watch: bool = True,
    clock: Clock | None = None,
    hooks: Hooks | None = None,
) -> None:
    """Serve until told to end.

    Args:
        announce: called once the API answers.
        watch: whether to look at the watched services too.

    Raises:
        ConfigError: the address is refused or taken, or TLS files cannot be used.
        StoreError: the database cannot be opened or migrated.
    """
    check_binding(settings)
    listener = _bind(settings.server)
    token = ensure_token(settings)
    await upgrade(settings.store_url)
    async with open_app(settings, clock=clock, hooks=hooks) as app:
        metrics = Metrics()
        app.observers.append(metrics)
        context = Context(settings, app.store, app.clock, app.inventory, app.models)
        api = create_api(
            context,
            token=token.value,
            investigate=app.investigate,
            metrics=metrics,
            after_change=app.worker.wake,
            keep_spans=app.opened.spans.add if app.opened.spans else None,
        )
        url = base_url(settings.server, listener.getsockname()[1])

        def started() -> None:
            log.info("serving", url=url)
            announce(Listening(url, token))

        async with app.running(watch=watch):
            await _Server(_uvicorn_config(settings, api), started).serve(sockets=[listener])
    log.info("stopped")


def _uvicorn_config(settings: Settings, api: object) -> uvicorn.Config:
    server = settings.server
    return uvicorn.Config(
        api,  # type: ignore[arg-type]  # a FastAPI application is an ASGI application
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=bool(server.trusted_proxies),
        forwarded_allow_ips=list(server.trusted_proxies),
        ssl_certfile=str(settings.path(server.tls_certificate)) if server.tls_certificate else None,
        ssl_keyfile=str(settings.path(server.tls_key)) if server.tls_key else None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _bind(server: ServerSettings) -> socket.socket:
    """A listening socket, bound before anything else is opened so that a second server fails at once."""
    where = f"{server.host}:{server.port}"
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise ConfigError(
            f"cannot listen on {where}: {error.strerror}", fix="end what listens there, or set another server.port"
        ) from None
    return listener
