"""Where the shop runs during a drill: as local processes, as containers, or as Swarm services, behind one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from signal import Signals
from typing import Protocol

from core.models import ServiceState
from drills.shop.roles import Role


class EnvironmentKind(StrEnum):
    """Which environments there are."""

    PROCESSES = "processes"
    DOCKER = "docker"
    SWARM = "swarm"


@dataclass(frozen=True, slots=True)
class Api:
    """Where Quell answers, and with which token."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take here at most.

    Attributes:
        baseline_seconds: how long Quell must see a healthy shop before the fault.
        incident_seconds: how long Quell may take from the fault to the end of its incident.
        recovery_seconds: how long customers may take to see the recovery after Quell has ended.
    """

    baseline_seconds: float
    incident_seconds: float
    recovery_seconds: float = 10.0


class Environment(Protocol):
    """A running shop with Quell beside it, as faults and the runner see it."""

    @property
    def kind(self) -> EnvironmentKind:
        """What the scoreboard calls it."""
        ...

    @property
    def pace(self) -> Pace:
        """How much time a drill needs here."""
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

    def delay(self, seconds: float) -> None:
        """Let everything that passes the link of the scenario's fault take that much longer.

        Raises:
            ActuatorError: the scenario has no link.
        """
        ...

    async def start_shop(self) -> None:
        """Start all services and wait until each is healthy.

        Raises:
            ActuatorError: one of them is not healthy in time.
        """
        ...

    async def start_quell(self) -> Api:
        """Start Quell, and the servers that it needs here, beside the running shop; wait until it answers.

        Raises:
            SourceUnavailable: one of them does not answer in time.
        """
        ...
