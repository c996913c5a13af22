"""The environment of processes: configured rightly, fresh each time, and gone however the drill ends."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from app.settings import Settings
from core.clock import SystemClock
from core.errors import ActuatorError, SourceUnavailable
from core.models import Autonomy, Severity
from drills.environments import EnvironmentKind
from drills.environments.children import Child
from drills.environments.configuration import as_processes, configuration, ports_of_a_drill
from drills.environments.links import Link
from drills.environments.processes import process_environment
from drills.scenario import find_scenario, scenarios
from drills.shop.roles import Role
from drills.shop.topology import SHOP, names
from tests.support import eventually

FITTING = [scenario for scenario in scenarios() if EnvironmentKind.PROCESSES in scenario.environments]


@pytest.mark.parametrize("scenario", FITTING, ids=lambda scenario: scenario.name)
async def test_every_scenario_makes_a_configuration_that_quell_accepts(scenario):
    async with process_environment(scenario, 3, SystemClock()) as environment:
        settings = Settings.load(environment.folder / "quell.yaml")
    called = names(3)
    assert {service.name for service in settings.services} == set(called.values())
    assert {process.name for process in settings.processes} == set(called.values())
    assert settings.watch.services == (called[Role.GATEWAY],)
    assert settings.server.host == "127.0.0.1"
    assert abs((settings.clock.now() - scenario.clock_start).total_seconds()) < 5
    assert all(s.autonomy_for(Severity.CRITICAL, settings.autonomy) is scenario.autonomy for s in settings.services)


def test_the_configuration_knows_who_calls_whom_but_not_what_is_wrong():
    called = names(5)
    surroundings = as_processes(called, ports_of_a_drill(), 0.0, None)
    written = configuration(called, 1, "t" * 32, Autonomy.ACT, surroundings, {})
    depends = {service["name"]: service["dependencies"] for service in written["services"]}
    assert depends == {called[role]: [called[callee] for callee in placement.calls] for role, placement in SHOP.items()}
    assert len({tuple(service) for service in written["services"]}) == 1
    assert len({tuple(process) for process in written["processes"]}) == 1


def test_a_scenario_may_change_any_setting_key_by_key():
    overrides = {"verification": {"hold_seconds": 9}, "policy": {"max_attempts": 1}}
    written = configuration(names(), 1, "t" * 32, Autonomy.PROPOSE, {}, overrides)
    assert written["autonomy"] == "propose"
    assert written["verification"] == {
        "deadline_seconds": 25,
        "hold_seconds": 9,
        "poll_seconds": 0.5,
        "settle_seconds": 1,
    }
    assert written["policy"]["max_attempts"] == 1
    assert written["policy"]["rules"]


def test_only_the_link_of_the_fault_leads_through_the_proxy():
    called, ports = names(5), ports_of_a_drill()
    written = as_processes(called, ports, 0.0, Link(Role.ORDERS, Role.PAYMENT))
    through = {process["name"] for process in written["processes"] if f":{ports.link}" in str(process["argv"])}
    assert through == {called[Role.ORDERS]}
    orders = next(process for process in written["processes"] if process["name"] == called[Role.ORDERS])
    assert f"payment=http://127.0.0.1:{ports.link}" in orders["argv"]
    assert f"cart={ports.url(Role.CART)}" in orders["argv"]


def test_ports_differ():
    ports = ports_of_a_drill()
    single = {ports.api, ports.link, ports.prometheus, ports.alertmanager, ports.swarm}
    assert len(single | set(ports.services.values())) == 5 + len(Role)


async def test_each_environment_is_fresh_and_leaves_no_folder():
    async with (
        process_environment(find_scenario("hang"), None, SystemClock()) as one,
        process_environment(find_scenario("hang"), None, SystemClock()) as other,
    ):
        assert one.folder != other.folder
        assert one.gateway_url != other.gateway_url
        assert one.folder.stat().st_mode & 0o077 == 0, "the token in quell.yaml is nobody else's business"
    assert not one.folder.exists()


async def test_a_child_that_ends_early_is_told_with_its_last_words(tmp_path):
    argv = [sys.executable, "-c", "print('first'); print('no such thing'); raise SystemExit(3)"]
    child = await Child.start("helper", argv, environment={}, folder=tmp_path)

    def ended() -> str:
        try:
            child.check()
        except SourceUnavailable as error:
            return str(error)
        return ""

    assert await eventually(ended) == "helper ended with code 3: no such thing"
    await child.stop()


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("drills.environments.children.STOP_SECONDS", 0.1)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    child = await Child.start("stubborn", [sys.executable, "-c", stubborn], environment={}, folder=tmp_path)
    await eventually(lambda: "up" in (tmp_path / "stubborn.log").read_text())
    await child.stop()
    assert not alive(child.pid)


async def test_a_shop_that_cannot_start_is_told(monkeypatch):
    monkeypatch.setattr("drills.environments.processes.SHOP_SECONDS", 0.0)
    async with process_environment(find_scenario("hang"), None, SystemClock()) as environment:
        with pytest.raises((ActuatorError, SourceUnavailable)):
            await environment.start_shop()


SCRIPT = textwrap.dedent(
    """
    import asyncio
    from signal import SIGSTOP
    from core.clock import SystemClock
    from drills.environments.processes import process_environment
    from drills.scenario import find_scenario
    from drills.shop.roles import Role

    async def main():
        async with process_environment(find_scenario("hang"), None, SystemClock()) as environment:
            await environment.start_shop()
            await environment.start_quell()
            await environment.signal(Role.PAYMENT, SIGSTOP)
            print(environment.folder, flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
    """
)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_nothing_is_left_behind_however_the_drill_ends(number, tmp_path):
    drill = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", SCRIPT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    assert drill.stdout is not None
    folder = (await asyncio.wait_for(drill.stdout.readline(), 60)).decode().strip()
    family = descendants(drill.pid)
    assert len(family) >= len(Role) + 2, "the services, their supervisor and Quell"
    drill.send_signal(number)
    await drill.wait()
    await eventually(lambda: not any(alive(pid) for pid in family))
    left = await asyncio.to_thread(Path(folder).exists)
    assert left == (number is signal.SIGKILL), "only a killed drill cannot remove its folder"
    shutil.rmtree(folder, ignore_errors=True)


def descendants(pid: int) -> set[int]:
    """Children of a process, their children, and so on."""
    children = {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return children.union(*(descendants(child) for child in children))


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie that waits to be collected."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
