"""The shop as local processes: `quell supervise` owns the services, `quell serve` stands beside them.

Both are children of the drill, live in a fresh temporary folder and end with it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from signal import Signals
from tempfile import TemporaryDirectory

import yaml

from clients.processes.client import SupervisorClient
from core.clock import Clock
from core.errors import ActuatorError, SourceUnavailable
from core.models import RunState, ServiceState
from drills.environments import Api, EnvironmentKind, Pace
from drills.environments.configuration import Ports, as_processes, configuration, ports_of_a_drill
from drills.environments.links import DelayingProxy, Link
from drills.environments.serving import Children
from drills.scenario import Scenario
from drills.shop.roles import LOOPBACK, Role
from drills.shop.topology import names

SHOP_SECONDS = 20.0
"""How long the services may take to become healthy."""

_POLL_SECONDS = 0.1


class ProcessEnvironment:
    """One drill's processes; made by `process_environment`."""

    kind = EnvironmentKind.PROCESSES
    pace = Pace(baseline_seconds=15.0, incident_seconds=90.0)

    def __init__(
        self, folder: Path, names: Mapping[Role, str], ports: Ports, token: str, clock: Clock, link: Link | None
    ) -> None:
        self.folder = folder
        self._names = names
        self._ports = ports
        self._token = token
        self._clock = clock
        self._supervisor = SupervisorClient(folder / "data" / "supervisor.sock")
        self._children = Children(folder, clock)
        self._proxy = DelayingProxy((LOOPBACK, ports.services[link.callee]), clock) if link else None

    @property
    def names(self) -> Mapping[Role, str]:
        """What each service is called here."""
        return self._names

    @property
    def gateway_url(self) -> str:
        """Where customers go."""
        return self._ports.url(Role.GATEWAY)

    @property
    def supervisor(self) -> SupervisorClient:
        """The runtime, for whoever plays the operator."""
        return self._supervisor

    async def state(self, role: Role) -> ServiceState:
        """A service as the supervisor sees it; raises SourceUnavailable when that does not answer."""
        return await self._supervisor.state(self._names[role])

    async def signal(self, role: Role, number: Signals) -> None:
        """Send a signal to the service's process; raises ActuatorError when it has none."""
        send_signal(await self.state(role), number)

    async def deploy(self, role: Role, release: str) -> None:
        """Roll a release out; raises ActuatorError when that is not possible."""
        key = f"drill-deploy-{secrets.token_hex(4)}"
        outcome = await self._supervisor.deploy(self._names[role], release, key=key, actor="pipeline")
        if not outcome.ok:
            raise ActuatorError(f"{self._names[role]} {release} was not deployed: {outcome.detail}")

    def delay(self, seconds: float) -> None:
        """Slow the scenario's link down; raises ActuatorError when it has none."""
        slow_down(self._proxy, seconds)

    async def start_shop(self) -> None:
        """Start the supervisor, wait for all services; raises ActuatorError when one is not healthy in time."""
        if self._proxy is not None:
            await self._proxy.start(LOOPBACK, self._ports.link)
        supervise = await self._children.start_command("supervise")
        end = self._clock.monotonic() + SHOP_SECONDS
        waiting = set(Role)
        while waiting:
            supervise.check()
            with suppress(SourceUnavailable):
                waiting -= {role for role in waiting if await self._serves(role)}
            if waiting and self._clock.monotonic() > end:
                raise ActuatorError(
                    f"{', '.join(self._names[role] for role in waiting)}: not healthy after {SHOP_SECONDS:.0f} s",
                    fix=f"see the logs in {self.folder / 'data' / 'logs'}",
                )
            await self._clock.sleep(_POLL_SECONDS)

    async def _serves(self, role: Role) -> bool:
        state = await self.state(role)
        return state.state is RunState.RUNNING and state.healthy is True

    async def start_quell(self) -> Api:
        """Start `quell serve`, wait until it is ready; raises SourceUnavailable when it is not in time."""
        return await self._children.start_quell(self._ports, self._token)

    async def stop(self) -> None:
        """End all processes, the last one started first."""
        await self._children.stop()
        if self._proxy is not None:
            await self._proxy.stop()


def send_signal(state: ServiceState, number: Signals) -> None:
    """Send a signal to the process of a service.

    Raises:
        ActuatorError: there is none.
    """
    if state.pid is None:
        raise ActuatorError(f"{state.service} is {state.state}: there is no process to send {number.name} to")
    os.kill(state.pid, number)


def slow_down(proxy: DelayingProxy | None, seconds: float) -> None:
    """Let everything that passes a link take longer.

    Raises:
        ActuatorError: there is no proxy on any.
    """
    if proxy is None:
        raise ActuatorError("no link of this drill can be delayed", fix="the fault of the scenario must name one")
    proxy.delay_seconds = seconds


@asynccontextmanager
async def process_environment(scenario: Scenario, seed: int | None, clock: Clock) -> AsyncIterator[ProcessEnvironment]:
    """A fresh environment, nothing started yet; at the end its processes are stopped and its folder is removed.

    Args:
        seed: renames the services; None calls them by their roles.
    """
    async with AsyncExitStack() as cleanup:
        folder = Path(cleanup.enter_context(TemporaryDirectory(prefix="quell-drill-", ignore_cleanup_errors=True)))
        called, ports, token, link = names(seed), ports_of_a_drill(), secrets.token_urlsafe(32), scenario.fault.link
        offset_seconds = round((scenario.clock_start - clock.now()).total_seconds(), 3)
        token_file = folder / "token"
        token_file.write_text(token, encoding="utf-8")  # in a folder that is nobody else's to read
        surroundings = as_processes(called, ports, offset_seconds, link, token_file)
        settings = configuration(called, ports.api, token, scenario.autonomy, surroundings, scenario.settings)
        (folder / "quell.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        environment = ProcessEnvironment(folder, called, ports, token, clock, link)
        cleanup.push_async_callback(environment.stop)
        yield environment
