"""What a fake model says, in order: each request takes one step, and a test fails when steps are left over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette

from tests.support import eventually


@dataclass(frozen=True)
class Call:
    """A tool call that the model asks for; the arguments are sent as they are, JSON or not."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True)
class Say:
    """An answer.

    Attributes:
        text: as the model writes it: JSON, prose, anything.
        calls: tool calls, all in one turn.
        prompt_tokens, output_tokens: what the server says that it counted.
        full: it stopped because the limit of tokens was reached.
        slow: nothing is sent until `release` of the script is set.
        cut: the connection ends in the middle of a streamed answer.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    prompt_tokens: int = 100
    output_tokens: int = 20
    full: bool = False
    slow: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Fail:
    """An answer that is none: an error status, a page of HTML, a body that is no JSON."""

    status: int = 500
    body: str = '{"error": "internal error"}'
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Step = Say | Fail
Actor = Callable[[dict[str, Any]], Step]
"""Answers by the request, for models that behave instead of reciting."""


@dataclass
class Script:
    """The steps that are left and the requests that came.

    Attributes:
        actor: answers when no step is left; None: a further request fails the test.
        release: lets slow answers go on.
    """

    steps: deque[Step] = field(default_factory=deque)
    actor: Actor | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    surprises: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, *steps: Step | str | Mapping[str, Any]) -> Script:
        """A script of answers; text and mappings are short for `Say`."""
        return cls(deque(_step(step) for step in steps))

    async def take(self, request: dict[str, Any]) -> Step:
        """The next step, for this request."""
        self.requests.append(request)
        if self.steps:
            step = self.steps.popleft()
        elif self.actor is not None:
            step = self.actor(request)
        else:
            self.surprises.append(request)
            return Fail(500, '{"error": "the script has no step left"}')
        if isinstance(step, Say) and step.slow:
            await self.release.wait()
        return step

    def check(self) -> None:
        """Every step was used, and none was missing."""
        assert not self.steps, f"{len(self.steps)} steps of the script were never asked for"
        assert not self.surprises, f"{len(self.surprises)} requests came without a step"


def _step(step: Step | str | Mapping[str, Any]) -> Step:
    if isinstance(step, str):
        return Say(step)
    return Say(json.dumps(step)) if isinstance(step, Mapping) else step


@contextlib.asynccontextmanager
async def served(app: Starlette, script: Script) -> AsyncIterator[str]:
    """The app on a free loopback port; its URL. At the end the script must be used up."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        script.check()
    finally:
        script.release.set()
        server.should_exit = True
        await task
        listening.close()
