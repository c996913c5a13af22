"""The shop on a Docker Engine, as containers or as Swarm services, with real servers around it.

A Prometheus scrapes it each second, and an Alertmanager calls Quell, which reads its metrics from that Prometheus and
acts through the engine. All times are the machine's own: servers cannot be told another one.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import yaml

from core.clock import Clock
from core.errors import ActuatorError
from core.models import ServiceState
from drills.environments import Api, EnvironmentKind, Pace
from drills.environments.configuration import Ports, as_served, configuration, ports_of_a_drill
from drills.environments.containers import Containers
from drills.environments.engine import open_engine
from drills.environments.links import DelayingProxy
from drills.environments.monitoring import RULES, alertmanager_configuration, prometheus_configuration
from drills.environments.processes import send_signal, slow_down
from drills.environments.runtime import Plan, Runtime
from drills.environments.servers import alertmanager_command, find_program, prometheus_command
from drills.environments.serving import Children
from drills.environments.swarm import SwarmServices
from drills.scenario import Scenario
from drills.shop.roles import LOOPBACK, Role
from drills.shop.topology import GOOD_RELEASE, SHOP, names

SHOP_SECONDS = 60.0
"""How long a service may take to become healthy."""

_POLL_SECONDS = 0.2


@dataclass(slots=True)
class ServedEnvironment:
    """One drill on an engine; made by `served_environment`.

    Attributes:
        proxy: on the link of the scenario's fault.
        spans: passes on to Quell, which listens on loopback only, what the services send it.
    """

    kind: EnvironmentKind
    folder: Path
    scenario: Scenario
    plan: Plan
    runtime: Runtime
    ports: Ports
    token: str
    clock: Clock
    children: Children
    proxy: DelayingProxy | None
    spans: DelayingProxy
    pace: Pace = field(default=Pace(baseline_seconds=32.0, incident_seconds=120.0))

    @property
    def names(self) -> Mapping[Role, str]:
        """What each service is called here."""
        return self.plan.names

    @property
    def gateway_url(self) -> str:
        """Where customers go."""
        return self.ports.url(Role.GATEWAY)

    async def state(self, role: Role) -> ServiceState:
        """A service as the engine sees it; raises SourceUnavailable when it does not answer."""
        return await self.runtime.state(role)

    async def signal(self, role: Role, number: Signals) -> None:
        """Send a signal to the container's process, past the engine; raises ActuatorError when it has none."""
        send_signal(await self.state(role), number)

    async def deploy(self, role: Role, release: str) -> None:
        """Roll a release out and wait until it is healthy; raises ActuatorError when it is not."""
        if release not in SHOP[role].releases:
            raise ActuatorError(f"{self.names[role]} has no release {release}")
        await self.runtime.replace(role, release)
        await self._healthy(role, release)

    def delay(self, seconds: float) -> None:
        """Slow the scenario's link down; raises ActuatorError when it has none."""
        slow_down(self.proxy, seconds)

    async def start_shop(self) -> None:
        """Place all services, those that are called first; raises ActuatorError when one is not healthy in time."""
        host_address = await self.runtime.prepare()
        if self.proxy is not None:
            await self.proxy.start(host_address, self.ports.link)
        await self.spans.start(host_address, self.ports.api)
        for role in reversed(tuple(SHOP)):
            await self.runtime.start(role, GOOD_RELEASE)
        for role in SHOP:
            await self._healthy(role, GOOD_RELEASE)

    async def _healthy(self, role: Role, release: str) -> None:
        end = self.clock.monotonic() + SHOP_SECONDS
        async with httpx.AsyncClient(timeout=1.0, trust_env=False) as client:
            while self.clock.monotonic() < end:
                with suppress(httpx.HTTPError):
                    answer = await client.get(f"{self.ports.url(role)}/healthz")
                    if answer.is_success and (await self.state(role)).release == release:
                        return
                await self.clock.sleep(_POLL_SECONDS)
        state = await self.state(role)
        raise ActuatorError(
            f"{self.names[role]} {release} is not healthy after {SHOP_SECONDS:.0f} s: {state.state} {state.release}",
            fix=f"see `docker --host {self.plan.engine.url} logs`, with the containers labelled {self.plan.project}",
        )

    async def start_quell(self) -> Api:
        """Start Quell, then Alertmanager and Prometheus; raises SourceUnavailable when one is not ready in time."""
        prometheus_url = f"http://{LOOPBACK}:{self.ports.prometheus}"
        settings = configuration(
            self.names,
            self.ports.api,
            self.token,
            self.scenario.autonomy,
            as_served(self.plan.engine.url, prometheus_url),
            self.scenario.settings,
            {role: {**self.runtime.identity(role), "prometheus": {"service": self.names[role]}} for role in Role},
        )
        _write(self.folder / "quell.yaml", settings)
        program = find_program("prometheus", package="prometheus")
        folder = self.folder / "prometheus"
        folder.mkdir()
        _write(folder / "prometheus.yml", prometheus_configuration(self.names, self.ports))
        _write(folder / "rules.yml", RULES)
        command = prometheus_command(program, folder, self.ports.prometheus)
        prometheus = await self.children.start("prometheus", command, folder)
        await self.children.ready(prometheus, f"{prometheus_url}/-/ready")
        api = await self.children.start_quell(self.ports, self.token)
        await self._start_alertmanager(api)
        return api

    async def _start_alertmanager(self, api: Api) -> None:
        program = find_program("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")
        folder = self.folder / "alertmanager"
        folder.mkdir()
        _write(folder / "alertmanager.yml", alertmanager_configuration(api))
        command = alertmanager_command(program, folder, self.ports.alertmanager)
        alertmanager = await self.children.start("alertmanager", command, folder)
        await self.children.ready(alertmanager, f"http://{LOOPBACK}:{self.ports.alertmanager}/-/ready")

    async def stop(self) -> None:
        """End all servers and remove everything from the engine."""
        await self.children.stop()
        if self.proxy is not None:
            await self.proxy.stop()
        await self.spans.stop()
        await self.runtime.clear()


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")


@asynccontextmanager
async def served_environment(
    kind: EnvironmentKind, scenario: Scenario, seed: int | None, clock: Clock, engine_url: str = ""
) -> AsyncIterator[ServedEnvironment]:
    """A fresh environment on an engine, nothing started yet but the engine; at the end everything is gone.

    Args:
        kind: containers or Swarm services.
        seed: renames the services; None calls them by their roles.
        engine_url: of an engine of this machine; empty starts one that ends with the drill.

    Raises:
        ConfigError: a program that is needed is not installed.
        SourceUnavailable: the engine does not answer.
    """
    async with AsyncExitStack() as cleanup:
        folder = Path(cleanup.enter_context(TemporaryDirectory(prefix="quell-drill-", ignore_cleanup_errors=True)))
        called, ports, link = names(seed), ports_of_a_drill(), scenario.fault.link
        swarm_port = ports.swarm if kind is EnvironmentKind.SWARM else 0
        opened = open_engine(engine_url, folder / "engine", clock, swarm_port=swarm_port)
        engine = await cleanup.enter_async_context(opened)
        project = f"quell-drill-{secrets.token_hex(3)}"
        token = secrets.token_urlsafe(32)
        token_file = folder / "token"
        token_file.write_text(token, encoding="utf-8")
        token_file.chmod(0o644)  # the services are other users; on this host the folder keeps others out
        plan = Plan(engine, project, called, ports.services, link, ports.link, ports.api, token_file, clock)
        environment = ServedEnvironment(
            kind=kind,
            folder=folder,
            scenario=scenario,
            plan=plan,
            runtime=SwarmServices(plan) if kind is EnvironmentKind.SWARM else Containers(plan),
            ports=ports,
            token=token,
            clock=clock,
            children=Children(folder, clock),
            proxy=DelayingProxy((LOOPBACK, ports.services[link.callee]), clock) if link else None,
            spans=DelayingProxy((LOOPBACK, ports.api), clock),
        )
        cleanup.push_async_callback(environment.stop)
        yield environment
