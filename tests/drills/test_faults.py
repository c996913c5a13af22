"""Each fault against the real shop under load: it hurts the customers it should, and only its remedy heals."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from clients.processes.wire import ActionRequest
from core.clock import Clock, SystemClock
from core.errors import ActuatorError
from core.models import RunState, ServiceState
from drills.environments.processes import ProcessEnvironment, process_environment
from drills.faults import INJECTORS, LEAK_CHARACTERS
from drills.load import Journey, Load
from drills.probes import Limits, Probes
from drills.runner import background
from drills.scenario import find_scenario
from drills.shop.roles import Role
from drills.shop.topology import GOOD_RELEASE, NEXT_RELEASE
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults"), pytest.mark.asyncio(loop_scope="module")]
"""One shop, on one worker of xdist."""


@dataclass
class Patient:
    """The shop with its customers, and the hands of an operator."""

    environment: ProcessEnvironment
    probes: Probes
    clock: Clock

    async def break_as(self, name: str) -> Role:
        """Cause the fault of a scenario; returns its target."""
        fault = find_scenario(name).fault
        await INJECTORS[fault.kind].inject(self.environment, fault.target, fault.parameters)
        return fault.target

    async def remedy(self, action: str, role: Role) -> None:
        """Carry an action out through the supervisor, as the actuator would."""
        key = secrets.token_hex(4)
        process = self.environment.names[role]
        outcome = await self.environment.supervisor.act(ActionRequest(key=key, action=action, process=process))
        assert outcome.ok, outcome.detail

    async def suffering(self, *journeys: Journey) -> None:
        """Wait until exactly these journeys fail and the shop's other customers are fine."""
        await eventually(lambda: self._failing() == set(journeys), deadline_seconds=60)

    def _failing(self) -> set[Journey]:
        return {reading.journey for reading in self.probes.readings() if reading.success < 0.8}

    async def fresh(self) -> None:
        """Wait until the probes have forgotten what was before this call."""
        end = self.clock.monotonic() + self.probes.limits.window_seconds
        await eventually(lambda: self.clock.monotonic() > end)

    async def well(self) -> None:
        """Wait until all customers are served well."""
        await eventually(self.probes.well, deadline_seconds=60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient() -> AsyncIterator[Patient]:
    """One shop for all tests here: each leaves it healthy. Its services have other names than their roles."""
    clock = SystemClock()
    async with process_environment(find_scenario("hang"), 11, clock) as environment:
        await environment.start_shop()
        probes = Probes(clock, Limits(max_p95_seconds=1.0))
        async with background(Load(environment.gateway_url, probes.record, clock).run()):
            patient = Patient(environment, probes, clock)
            await patient.well()
            yield patient


async def state(patient: Patient, role: Role) -> ServiceState:
    """A service as the supervisor sees it."""
    return await patient.environment.state(role)


async def test_a_killed_payment_fails_checkouts_until_it_is_started(patient):
    target = await patient.break_as("crash")
    await patient.suffering(Journey.CHECKOUT)
    dead = await state(patient, target)
    assert (dead.state, dead.exit_code) == (RunState.EXITED, -9)
    with pytest.raises(ActuatorError, match="no process"):
        await patient.break_as("crash")
    await patient.remedy("start", target)
    await patient.well()


async def test_a_suspended_payment_fails_checkouts_until_it_is_restarted(patient):
    target = await patient.break_as("hang")
    await patient.suffering(Journey.CHECKOUT)
    assert (await state(patient, target)).state is RunState.SUSPENDED
    await patient.remedy("restart", target)
    await patient.well()


async def test_poison_requests_wedge_the_catalogue_until_it_is_restarted(patient):
    target = await patient.break_as("wedged-worker")
    await patient.suffering(Journey.BROWSE)
    wedged = await eventually(lambda: _busy(patient, target), deadline_seconds=60, every_seconds=0.5)
    assert wedged.state is RunState.RUNNING
    assert wedged.healthy, "a wedged service is slow to say that it lives, but says so"
    await patient.remedy("restart", target)
    await patient.well()


async def _busy(patient: Patient, target: Role) -> ServiceState | None:
    now = await state(patient, target)
    return now if (now.cpu_percent or 0) > 60 else None


async def test_a_bad_release_fails_most_checkouts_until_it_is_rolled_back(patient):
    target = await patient.break_as("bad-release")
    assert (await state(patient, target)).release == NEXT_RELEASE
    await patient.suffering(Journey.CHECKOUT)
    await patient.remedy("restart", target)
    await patient.fresh()
    checkout = next(reading for reading in patient.probes.readings() if reading.journey is Journey.CHECKOUT)
    assert 0.1 < checkout.success < 0.8, "customers at home are still served"
    await patient.remedy("rollback", target)
    assert (await state(patient, target)).release == GOOD_RELEASE
    await patient.well()


async def test_a_leak_grows_while_customers_are_served_until_a_restart(patient):
    fault = find_scenario("memory-leak").fault
    before = await state(patient, fault.target)
    injector = INJECTORS[fault.kind]
    assert injector.lasting
    leaking = asyncio.create_task(injector.inject(patient.environment, fault.target, fault.parameters))

    async def grown() -> bool:
        now = await state(patient, fault.target)
        return (now.memory_bytes or 0) > (before.memory_bytes or 0) + 4 * LEAK_CHARACTERS

    await eventually(grown, every_seconds=0.2)
    assert not leaking.done()
    await patient.well()
    await patient.remedy("restart", fault.target)
    await asyncio.wait_for(leaking, 30)
    assert ((await state(patient, fault.target)).memory_bytes or 0) < (before.memory_bytes or 0) + 4 * LEAK_CHARACTERS
    await patient.well()
