"""However the supervisor ends, its processes end with it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from clients.processes.wire import ProcessSpec
from core.models import RunState
from tests.supervisor.running import RunningSupervisor, gone, suspend
from tests.support import eventually

pytestmark = pytest.mark.slow

FAMILY = (
    "import subprocess, sys, pathlib, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "pathlib.Path(sys.argv[1]).write_text(str(child.pid))\n"
    "time.sleep(600)\n"
)
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)


async def test_kill_9_takes_all_children_along_suspended_ones_and_grandchildren_too(
    supervisor: RunningSupervisor, tmp_path: Path
) -> None:
    note = tmp_path / "grandchild"
    process = await supervisor.start(
        ProcessSpec(name="plain", argv=("sleep", "600")),
        ProcessSpec(name="hung", argv=("sleep", "600")),
        ProcessSpec(name="family", argv=(sys.executable, "-c", FAMILY, str(note))),
    )
    pids = [(await supervisor.client.state(name)).pid or 0 for name in ("plain", "hung", "family")]
    suspend(pids[1])
    pids.append(int(await eventually(lambda: note.exists() and note.read_text())))
    assert not any(gone(pid) for pid in pids)

    process.send_signal(signal.SIGKILL)
    process.wait()

    await eventually(lambda: all(gone(pid) for pid in pids))


async def test_sigterm_ends_children_gracefully_and_removes_the_socket(supervisor: RunningSupervisor) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('goodbye', flush=True), sys.exit(0)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    process = await supervisor.start(ProcessSpec(name="polite", argv=(sys.executable, "-c", program)))
    log = supervisor.folder / "logs" / "polite.log"
    await eventually(lambda: "ready" in log.read_text())

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=10) == 0
    assert "goodbye" in log.read_text()
    assert not (supervisor.folder / "s.sock").exists()


async def test_what_ignores_sigterm_is_killed_after_its_grace(supervisor: RunningSupervisor) -> None:
    spec = ProcessSpec(name="deaf", argv=(sys.executable, "-c", STUBBORN), stop_grace_seconds=0.2)
    process = await supervisor.start(spec)
    await eventually(lambda: "deaf" in (supervisor.folder / "logs" / "deaf.log").read_text())
    pid = (await supervisor.client.state("deaf")).pid or 0

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=10) == 0
    assert gone(pid)


async def test_a_second_supervisor_on_the_socket_is_refused_with_a_clear_error(supervisor: RunningSupervisor) -> None:
    await supervisor.start(ProcessSpec(name="one", argv=("sleep", "600")))

    second = supervisor.launch([ProcessSpec(name="two", argv=("sleep", "600"))])

    _, stderr = second.communicate(timeout=20)
    assert second.returncode != 0
    assert b"another supervisor owns" in stderr
    assert (await supervisor.client.state("one")).state is RunState.RUNNING


async def test_a_stale_socket_file_is_replaced_and_the_new_one_is_private(supervisor: RunningSupervisor) -> None:
    spec = ProcessSpec(name="one", argv=("sleep", "600"))
    first = await supervisor.start(spec)
    first.send_signal(signal.SIGKILL)
    first.wait()
    socket_file = supervisor.folder / "s.sock"
    assert socket_file.exists()

    await supervisor.start(spec)

    assert socket_file.stat().st_mode & 0o777 == 0o600
    assert (await supervisor.client.state("one")).state is RunState.RUNNING
