"""What containers and Swarm services have in common: how a service of the shop is packed and described."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.clock import Clock
from core.models import RunState, ServiceState
from drills.environments.configuration import service_arguments
from drills.environments.engine import Engine, Json
from drills.environments.links import Link
from drills.environments.servers import host_binds
from drills.shop.roles import Role
from drills.shop.topology import SHOP

USER = "65534:65534"
STOP_SECONDS = 1
PORT = 8000
"""That every service listens on inside its container."""

TOKEN_PATH = "/run/quell.token"  # noqa: S105  # a path
"""Where a service finds Quell's token, with which it sends its spans."""

LABEL = "quell.drill"
"""On all that a drill makes on an engine; what one that was killed left there is found by it."""

_STATES = {
    "running": RunState.RUNNING,
    "created": RunState.STOPPED,
    "restarting": RunState.STARTING,
    "paused": RunState.SUSPENDED,
    "exited": RunState.EXITED,
    "dead": RunState.EXITED,
}


class Runtime(Protocol):
    """Places the shop's services on an engine."""

    async def prepare(self) -> str:
        """Make the network; returns an address of this host at which containers reach it."""
        ...

    async def start(self, role: Role, release: str) -> None:
        """Build the release and start the service; raises ActuatorError when that is refused."""
        ...

    async def replace(self, role: Role, release: str) -> None:
        """Build another release and put it in the place of the one that runs; raises as `start`."""
        ...

    async def state(self, role: Role) -> ServiceState:
        """The service as the engine sees it; raises SourceUnavailable when it does not answer."""
        ...

    async def clear(self) -> None:
        """Remove all of it."""
        ...

    def identity(self, role: Role) -> dict[str, str]:
        """Under which name Quell finds it, as in `core.models.Identity`."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run on the engine.

    Attributes:
        project: part of the name of everything that the drill makes there.
        names: of the services; each other service finds it under its name.
        ports: of the services on this host.
        link: a way that leads through a proxy on this host, at `link_port`.
        api_port: where this host passes spans on to Quell.
        token_file: holds Quell's token.
    """

    engine: Engine
    project: str
    names: Mapping[Role, str]
    ports: Mapping[Role, int]
    link: Link | None
    link_port: int
    api_port: int
    token_file: Path
    clock: Clock

    @property
    def binds(self) -> list[str]:
        """What a service sees of this host, read-only: its programs, and Quell's token."""
        return [*host_binds(python=True), f"{self.token_file}:{TOKEN_PATH}:ro"]

    def full_name(self, role: Role) -> str:
        """What a service is called on the engine."""
        return f"{self.project}-{self.names[role]}"

    def arguments(self, role: Role, host_address: str) -> list[str]:
        """Command line of a service, the same in every release."""

        def url(callee: Role) -> str:
            if self.link == Link(role, callee):
                return f"http://{host_address}:{self.link_port}"
            return f"http://{self.names[callee]}:{PORT}"

        host = ["--host", "0.0.0.0"]  # noqa: S104  # in a container
        spans = ["--otlp-endpoint", f"http://{host_address}:{self.api_port}", "--otlp-token-file", TOKEN_PATH]
        return [*service_arguments(role, self.names[role], PORT, url), *host, *spans]

    async def build(self, role: Role, release: str) -> str:
        """Make the image of a release, which carries its configuration; returns its reference.

        Raises:
            ActuatorError: the engine refused.
        """
        repository = f"{self.project}/{self.names[role]}"
        program = [sys.executable, "-P", "-m", "drills.shop.service", *SHOP[role].releases[release]]
        await self.engine.build(repository, release, json.dumps(program))
        return f"{repository}:{release}"


def container_state(service: str, told: Json | None, clock: Clock) -> ServiceState:
    """What the engine tells of a container, as far as a drill compares it."""
    if told is None:
        return ServiceState(service=service, at=clock.now(), state=RunState.MISSING)
    state: Mapping[str, Any] = told["State"]
    pid = int(state.get("Pid") or 0)
    return ServiceState(
        service=service,
        at=clock.now(),
        state=_STATES.get(str(state.get("Status")), RunState.UNKNOWN),
        health_detail="out of memory" if state.get("OOMKilled") else "",
        pid=pid or None,
        release=str(told["Config"]["Image"]).partition("@")[0].rpartition(":")[2],
    )
