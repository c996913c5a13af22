"""Where the shop runs during a drill: now as local processes; containers join behind the same protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from signal import Signals
from typing import Protocol

from core.models import ServiceState
from drills.shop.roles import Role


@dataclass(frozen=True, slots=True)
class Api:
    """Where Quell answers, and with which token."""

    url: str
    token: str


class Environment(Protocol):
    """A running shop with Quell beside it, as faults and the runner see it."""

    @property
    def name(self) -> str:
        """What the scoreboard calls this kind of environment."""
        ...

    @property
    def names(self) -> Mapping[Role, str]:
        """What each service is called here."""
        ...

    @property
    def gateway_url(self) -> str:
        """Where customers, load and probes go."""
        ...

    async def state(self, role: Role) -> ServiceState:
        """A service as its runtime sees it, Quell not asked.

        Raises:
            SourceUnavailable: the runtime does not answer.
        """
        ...

    async def signal(self, role: Role, number: Signals) -> None:
        """Send a signal to the service's process, as an operator or the kernel would.

        Raises:
            ActuatorError: it has no process.
        """
        ...

    async def deploy(self, role: Role, release: str) -> None:
        """Roll a release out, as a deployment pipeline would.

        Raises:
            ActuatorError: there is no such release, or it does not start.
        """
        ...

    async def start_shop(self) -> None:
        """Start all services and wait until each is healthy.

        Raises:
            ActuatorError: one of them is not healthy in time.
        """
        ...

    async def start_quell(self) -> Api:
        """Start Quell beside the running shop and wait until it answers.

        Raises:
            SourceUnavailable: it does not answer in time.
        """
        ...
