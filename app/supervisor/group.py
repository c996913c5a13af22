"""A declared process with all that runs of it: one child, or one a replica."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from app.supervisor.child import Child
from app.supervisor.journal import Standing
from app.supervisor.states import describe, describe_group
from clients.processes.replicas import ALONE, replica_spec
from clients.processes.wire import ProcessSpec
from core.clock import Clock
from core.errors import ActuatorError
from core.models import RunState, ServiceState

SETTLE_SECONDS = 0.3
"""How long a process without a health check must live to count as started."""
POLL_SECONDS = 0.05

MakeChild = Callable[[ProcessSpec, int], Child]
"""Makes the child of one replica, not started: from the declaration of that replica, and its number."""


class Group:
    """The children of one declaration.

    Attributes:
        children: by number; those that are to run, whether they do or not.
        standing: which release and replicas are to run.
        lock: held by the action that is under way.
    """

    def __init__(self, spec: ProcessSpec, standing: Standing, make: MakeChild, clock: Clock) -> None:
        self.spec = spec
        self.standing = standing
        self.lock = asyncio.Lock()
        self.children: dict[int, Child] = {}
        self._make = make
        self._clock = clock
        self.keep(standing.replicas)

    @property
    def single(self) -> bool:
        """Whether it is one process, without replicas."""
        return self.spec.replicas is None

    @property
    def alive(self) -> bool:
        """Whether all of it was started and has not ended."""
        return all(child.alive for child in self.children.values())

    @property
    def pids(self) -> str:
        """Ids of the processes that live, for people; empty when none does."""
        return ", ".join(str(child.run.pid) for child in self.children.values() if child.run and child.alive)

    def keep(self, numbers: Iterable[int]) -> None:
        """Have exactly these replicas; new ones are not started, and those that go must have been stopped."""
        known = self.children
        self.children = {
            number: known.get(number) or self._make(replica_spec(self.spec, number), number)
            for number in sorted(numbers)
        }

    async def state(self) -> ServiceState:
        """All of it together."""
        states = {number: await self.state_of(number) for number in self.children}
        return states[ALONE] if self.single else describe_group(self.spec.name, states, self._clock.now())

    async def state_of(self, number: int) -> ServiceState:
        """One replica."""
        return await describe(self.children[number], self.standing, self._clock.now())

    async def ill_first(self) -> list[int]:
        """Numbers of the replicas: those that are not well, then the newest."""
        ill = {number: not _well(await self.state_of(number)) for number in self.children}
        return sorted(self.children, key=lambda number: (ill[number], number), reverse=True)

    async def start(self, number: int) -> tuple[bool, str]:
        """Stop and start a replica, and wait until it is well, has ended, or took too long; whether, and how it went.

        Raises:
            ActuatorError: it cannot be started.
        """
        child = self.children[number]
        await child.stop()
        run = await child.start(self.standing.release)
        ok, detail = await self._settled(number)
        return ok, f"{'process' if self.single else f'replica {number}, process'} {run.pid}: {detail}"

    async def start_each(self, numbers: Iterable[int]) -> tuple[bool, str]:
        """Start replicas one after the other, as long as all goes well, so that the others go on serving."""
        told = []
        for number in numbers:
            try:
                ok, detail = await self.start(number)
            except ActuatorError as error:
                ok, detail = False, str(error)
            told.append(detail)
            if not ok:
                return False, "; ".join(told)
        return True, "; ".join(told)

    async def stop(self, numbers: Iterable[int] | None = None) -> None:
        """End replicas, or all of them, each in its own grace."""
        chosen = self.children if numbers is None else numbers
        await asyncio.gather(*(self.children[number].stop() for number in chosen))

    async def _settled(self, number: int) -> tuple[bool, str]:
        while True:
            state = await self.state_of(number)
            if state.state not in (RunState.RUNNING, RunState.STARTING):
                return False, state.health_detail
            if state.healthy:
                return True, "healthy"
            if state.healthy is None and self.children[number].age_seconds >= SETTLE_SECONDS:
                return True, "running; it has no health check"
            if state.healthy is False and state.state is RunState.RUNNING:
                return False, f"not healthy in time: {state.health_detail}"
            await self._clock.sleep(POLL_SECONDS)


def _well(state: ServiceState) -> bool:
    return state.state is RunState.RUNNING and state.healthy is not False
