"""A drill's own Docker Engine ends with the drill.

A module of its own, without the fixture `docker_engine`: that engine lives as long as its module, and holds the lock
that the drill's own engine waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from drills.environments.engine import LOCK_SECONDS
from drills.shop.roles import Role
from tests.drills.test_environment import alive
from tests.servers.process import binary
from tests.support import eventually

SCRIPT = textwrap.dedent(
    """
    import asyncio
    from signal import SIGSTOP
    from core.clock import SystemClock
    from drills.environments import EnvironmentKind
    from drills.environments.opening import open_environment
    from drills.scenario import find_scenario
    from drills.shop.roles import Role

    async def main():
        kind = EnvironmentKind.DOCKER
        async with open_environment(kind, find_scenario("hang"), None, SystemClock()) as environment:
            await environment.start_shop()
            await environment.start_quell()
            await environment.signal(Role.PAYMENT, SIGSTOP)
            pids = [str((await environment.state(role)).pid) for role in Role]
            print(environment.folder, *pids, flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
    """
)


@pytest.mark.slow
@pytest.mark.xdist_group("engine")
@pytest.mark.timeout(LOCK_SECONDS + 240)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_the_own_engine_and_its_containers_end_with_the_drill(number: signal.Signals, tmp_path: Path) -> None:
    needed = ("dockerd", "docker.io"), ("prometheus", "prometheus"), ("prometheus-alertmanager",) * 2
    for program, package in needed:
        binary(program, package=package)
    if os.geteuid() != 0:
        pytest.skip("dockerd needs root")
    drill = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", SCRIPT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    try:
        folder, services = await started(drill)
        assert len(services) == len(Role)
        assert len(naming(folder)) >= len(Role) + 4, "dockerd, containerd, a shim a container, Prometheus, Alertmanager"
        drill.send_signal(number)
        await asyncio.wait_for(drill.communicate(), 60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            drill.kill()
        await drill.wait()
    await eventually(lambda: not any(alive(pid) for pid in services), deadline_seconds=30)
    await eventually(lambda: not naming(folder), deadline_seconds=30)
    left = await asyncio.to_thread(Path(folder).exists)
    shutil.rmtree(folder, ignore_errors=True)
    assert left == (number is signal.SIGKILL), "only a killed drill cannot remove its folder"


async def started(drill: asyncio.subprocess.Process) -> tuple[str, list[int]]:
    """Folder of the drill and processes of its services, once they run; a drill may wait for another one's engine."""
    assert drill.stdout is not None
    assert drill.stderr is not None
    told = (await asyncio.wait_for(drill.stdout.readline(), LOCK_SECONDS + 60)).decode().split()
    assert told, (await drill.stderr.read()).decode()
    return told[0], [int(pid) for pid in told[1:]]


def naming(folder: str) -> list[int]:
    """Processes whose command line names a folder."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and folder.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
