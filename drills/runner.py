"""Runs one scenario: starts the shop and Quell, lets customers in, causes the fault, follows, and judges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

from app.operations.actions import list_actions
from app.operations.incidents import list_incidents
from app.operations.remote import Remote
from core.clock import Clock
from core.models import ServiceState
from drills.environments import Api, Environment, EnvironmentKind
from drills.environments.opening import open_environment
from drills.faults import INJECTORS
from drills.follow import Follower
from drills.load import Load
from drills.moments import Audience, Moment, Phase, Silence
from drills.probes import Probes, Recovery
from drills.results import Score, Seconds, score
from drills.scenario import Scenario
from drills.shop.roles import Role

_POLL_SECONDS = 0.25

Linger = Callable[[Score, Api], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Drill:
    """One run of a scenario in an environment.

    Attributes:
        seed: of the services' names; also makes the customers' journeys repeatable.
    """

    scenario: Scenario
    environment: Environment
    clock: Clock
    seed: int | None = None
    audience: Audience = field(default_factory=Silence)

    async def run(self, linger: Linger | None = None) -> Score:
        """Run it and judge it.

        Args:
            linger: called with the score while everything still runs.

        Raises:
            QuellError: shop or Quell did not start, or stopped answering.
        """
        began = self.clock.monotonic()

        def tell(phase: Phase, text: str, details: tuple[str, ...] = ()) -> None:
            self.audience.moment(Moment(phase, self.clock.monotonic() - began, text, details))

        await self.environment.start_shop()
        tell(Phase.SHOP, f"six services behind {self.environment.gateway_url}")
        probes = Probes(self.clock)
        load = Load(self.environment.gateway_url, probes.record, self.clock, seed=self.seed or 0)
        async with background(load.run()):
            api = await self.environment.start_quell()
            tell(Phase.BASELINE, f"Quell answers at {api.url}; customers shop undisturbed")
            async with Remote(api.url, api.token) as remote:
                result = await self._play(remote, probes, began, tell)
            if linger is not None:
                await linger(result, api)
        return result

    async def _play(self, remote: Remote, probes: Probes, began: float, tell: Callable[..., None]) -> Score:
        await self._baseline(probes)
        before = await self._states()
        known = frozenset(incident.id for incident in (await remote.call(list_incidents)).incidents)
        fault = self.scenario.fault
        injector = INJECTORS[fault.kind]
        follower = Follower(remote, self.scenario.approver, known, tell)
        recovery = Recovery(probes, self.clock)
        fault_at = self.clock.monotonic()
        tell(Phase.FAULT, f"{fault.kind} at {self.environment.names[fault.target]}: {injector.description}")
        work = injector.inject(self.environment, fault.target, fault.parameters)
        if not injector.lasting:
            await work
        async with background(work) if injector.lasting else nullcontext():
            seen = await self._follow(follower, recovery, probes, fault_at)
        await self._await_recovery(recovery, probes)
        recovered = recovery.over
        recover = recovery.well_since - fault_at if recovery.well_since is not None else None
        tell(Phase.RECOVERED, "customers are served well" if recovered else "customers still suffer")
        seconds = Seconds(
            detect=seen.get("detect"),
            diagnose=seen.get("diagnose"),
            act=seen.get("act"),
            recover=_rounded(recover),
            total=round(self.clock.monotonic() - began, 2),
        )
        after = await self._states()
        names = self.environment.names
        return score(
            self.scenario,
            target=names[fault.target],
            expected=names[self.scenario.expected.target],
            environment=self.environment.kind,
            seed=self.seed,
            incident=follower.detail.incident if follower.detail else None,
            diagnosis=follower.diagnosis,
            attempts=(await remote.call(list_actions)).actions,
            changed=frozenset(names[role] for role in Role if _identity(before[role]) != _identity(after[role])),
            false_alarms=len(known),
            recovered=recovered,
            seconds=seconds,
            link=(names[fault.link.caller], names[fault.link.callee]) if fault.link else None,
        )

    async def _baseline(self, probes: Probes) -> None:
        end = self.clock.monotonic() + self.environment.pace.baseline_seconds
        while self.clock.monotonic() < end or not probes.well():
            self.audience.customers(probes.readings())
            await self.clock.sleep(_POLL_SECONDS)

    async def _follow(
        self, follower: Follower, recovery: Recovery, probes: Probes, fault_at: float
    ) -> dict[str, float]:
        """Watch Quell and the customers until Quell's incident has ended; returns when each step was first seen."""
        seen: dict[str, float] = {}
        while not follower.ended and self.clock.monotonic() - fault_at < self.environment.pace.incident_seconds:
            await self.clock.sleep(_POLL_SECONDS)
            recovery.look()
            self.audience.customers(probes.readings())
            await follower.look()
            elapsed = round(self.clock.monotonic() - fault_at, 2)
            for step, happened in (
                ("detect", follower.detail is not None),
                ("diagnose", follower.diagnosis is not None),
                ("act", follower.acted),
            ):
                if happened:
                    seen.setdefault(step, elapsed)
        return seen

    async def _await_recovery(self, recovery: Recovery, probes: Probes) -> None:
        patience_seconds = self.environment.pace.recovery_seconds if self.scenario.expected.recovers else 0.0
        end = self.clock.monotonic() + patience_seconds
        recovery.look()
        while not recovery.over and self.clock.monotonic() < end:
            await self.clock.sleep(_POLL_SECONDS)
            recovery.look()
            self.audience.customers(probes.readings())

    async def _states(self) -> dict[Role, ServiceState]:
        return {role: await self.environment.state(role) for role in Role}


async def run_scenario(
    scenario: Scenario,
    clock: Clock,
    *,
    kind: EnvironmentKind = EnvironmentKind.PROCESSES,
    engine_url: str = "",
    seed: int | None = None,
    audience: Audience | None = None,
    linger: Linger | None = None,
) -> Score:
    """Run a scenario in a fresh environment, which is gone afterwards.

    Args:
        engine_url: of a Docker Engine of this machine for the kinds that need one; empty starts one.

    Raises:
        UsageError: the scenario does not fit that kind of environment.
        QuellError: as `Drill.run`.
    """
    async with open_environment(kind, scenario, seed, clock, engine_url) as environment:
        return await Drill(scenario, environment, clock, seed, audience or Silence()).run(linger)


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let something run beside the block and cancel it at its end; what it raised by itself is raised then."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _identity(state: ServiceState) -> tuple[object, ...]:
    return state.pid, state.started_at, state.release


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
