"""Where a command does its work: on the store, or on a server with ``--server``."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from app.cli.options import load_settings
from app.operations.local import Local
from app.operations.opening import open_context
from app.operations.operation import Operation, Out, P
from app.operations.remote import Remote
from app.server.token import read_token

T = TypeVar("T")


@asynccontextmanager
async def open_backend(server: str) -> AsyncIterator[Local | Remote]:
    """The store, or the server at that URL with the token of `server.token` or of the data folder.

    Raises:
        QuellError: the configuration is wrong, or the store cannot be opened.
    """
    settings = load_settings()
    if server:
        async with Remote(server, read_token(settings)) as remote:
            yield remote
    else:
        async with open_context(settings) as context:
            yield Local(context)


def ask(server: str, operation: Operation[P, Out], *positional: P.args, **arguments: P.kwargs) -> Out:
    """Run one operation and return its output.

    Raises:
        QuellError: as the operation says.
    """
    return on_backend(server, lambda backend: backend.call(operation, *positional, **arguments))


def on_backend(server: str, work: Callable[[Local | Remote], Awaitable[T]]) -> T:
    """Run some work on a backend that is closed afterwards.

    Raises:
        QuellError: as the work says.
    """

    async def run() -> T:
        async with open_backend(server) as backend:
            return await work(backend)

    return asyncio.run(run())


def user() -> str:
    """Who runs this command, as the operating system knows them: goes into the audit trail."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
