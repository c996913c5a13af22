"""What the actuator and a deploy do to real processes."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients.processes.actuator import ProcessActuator
from clients.processes.client import SupervisorClient
from clients.processes.wire import HealthCheck, ProcessSpec
from core.errors import ActuatorError, SourceRejected, SourceUnavailable
from core.models import Identity, RunState, Service, ServiceState, Window
from tests.supervisor.running import RELEASED, SLEEPER, gone, supervising, suspend
from tests.support import eventually

pytestmark = pytest.mark.slow

PAYMENT = Service(name="Payment service", identity=Identity(process="payment"))


def last_hours() -> Window:
    now = datetime.now(UTC)
    return Window(start=now - timedelta(hours=1), end=now + timedelta(seconds=1))


async def kinds(actuator: ProcessActuator) -> list[str]:
    return [change.kind for change in await actuator.changes(PAYMENT, last_hours())]


async def state_is(client: SupervisorClient, wanted: RunState) -> ServiceState:
    async def check() -> ServiceState | None:
        state = await client.state("payment")
        return state if state.state is wanted else None

    return await eventually(check)


async def test_restart_replaces_the_process_and_is_on_record(tmp_path: Path) -> None:
    async with supervising(tmp_path, SLEEPER) as client:
        actuator = ProcessActuator(client)
        before = await actuator.state(PAYMENT)

        outcome = await actuator.run("restart", PAYMENT, {}, "att_1")

        after = await actuator.state(PAYMENT)
        assert outcome.ok
        assert after.service == "Payment service"
        assert (before.state, after.state) == (RunState.RUNNING, RunState.RUNNING)
        assert before.pid != after.pid
        assert before.pid is not None
        assert gone(before.pid)
        assert (before.restarts, after.restarts) == (0, 1)
        assert await kinds(actuator) == ["start", "restart"]


async def test_the_same_key_acts_once_even_after_the_supervisor_was_restarted(tmp_path: Path) -> None:
    async with supervising(tmp_path, SLEEPER) as client:
        actuator = ProcessActuator(client)
        first = await actuator.run("restart", PAYMENT, {}, "att_1")
        pid = (await actuator.state(PAYMENT)).pid
        assert await actuator.run("restart", PAYMENT, {}, "att_1") == first
        assert (await actuator.state(PAYMENT)).pid == pid
        with pytest.raises(ActuatorError, match="another action"):
            await actuator.run("stop", PAYMENT, {}, "att_1")

    async with supervising(tmp_path, SLEEPER) as client:
        actuator = ProcessActuator(client)
        assert await actuator.run("restart", PAYMENT, {}, "att_1") == first
        assert (await actuator.state(PAYMENT)).restarts == 0
        assert await actuator.observe("restart", PAYMENT, {}, "att_1", datetime.now(UTC)) is True


async def test_a_crash_is_seen_and_nothing_is_restarted_until_asked(tmp_path: Path) -> None:
    async with supervising(tmp_path, SLEEPER) as client:
        actuator = ProcessActuator(client)
        os.kill((await client.state("payment")).pid or 0, signal.SIGKILL)

        state = await state_is(client, RunState.EXITED)

        assert state.exit_code == -signal.SIGKILL
        assert state.healthy is False
        assert state.health_detail == "killed by SIGKILL"
        change = (await actuator.changes(PAYMENT, last_hours()))[-1]
        assert (change.service, change.kind, change.detail) == ("Payment service", "exit", "killed by SIGKILL")
        assert (await actuator.run("start", PAYMENT, {}, "att_1")).ok
        assert (await client.state("payment")).state is RunState.RUNNING


async def test_a_suspended_process_is_seen_and_restarted(tmp_path: Path) -> None:
    async with supervising(tmp_path, SLEEPER) as client:
        actuator = ProcessActuator(client)
        pid = (await client.state("payment")).pid or 0
        suspend(pid)
        await state_is(client, RunState.SUSPENDED)

        assert not (await actuator.run("start", PAYMENT, {}, "att_1")).ok
        assert (await actuator.run("restart", PAYMENT, {}, "att_2")).ok

        assert gone(pid)
        assert (await client.state("payment")).state is RunState.RUNNING


async def test_stop_is_no_crash_and_start_brings_it_back(tmp_path: Path) -> None:
    async with supervising(tmp_path, SLEEPER) as client:
        actuator = ProcessActuator(client)

        assert (await actuator.run("stop", PAYMENT, {}, "att_1")).ok

        assert (await client.state("payment")).state is RunState.STOPPED
        assert await kinds(actuator) == ["start", "stop"]
        assert (await actuator.run("start", PAYMENT, {}, "att_2")).ok
        assert (await client.state("payment")).state is RunState.RUNNING


async def test_deploy_then_rollback_and_rollback_of_the_rollback(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "payment.log"
    async with supervising(tmp_path, RELEASED) as client:
        actuator = ProcessActuator(client)
        await eventually(lambda: "hello from v1" in log.read_text())
        assert (await client.deploy("payment", "v2", key="deploy-1")).ok
        await eventually(lambda: "hello from v2" in log.read_text())
        state = await client.state("payment")
        assert (state.release, state.previous_release) == ("v2", "v1")

        outcome = await actuator.run("rollback", PAYMENT, {}, "att_1")

        assert (outcome.ok, outcome.before, outcome.after) == (True, "v2", "v1")
        assert await kinds(actuator) == ["start", "deploy", "rollback"]
        deploy = (await actuator.changes(PAYMENT, last_hours()))[1]
        assert (deploy.before, deploy.after, deploy.actor) == ("v1", "v2", "operator")
        assert (await actuator.run("rollback", PAYMENT, {}, "att_2")).after == "v2"

    async with supervising(tmp_path, RELEASED) as client:
        state = await client.state("payment")
        assert (state.release, state.previous_release) == ("v2", "v1"), "releases survive the supervisor"


async def test_a_release_that_cannot_start_says_so_and_can_be_rolled_back(tmp_path: Path) -> None:
    async with supervising(tmp_path, RELEASED) as client:
        outcome = await client.deploy("payment", "v3", key="deploy-1")

        assert not outcome.ok
        assert "no such program: no-such-program" in outcome.detail
        state = await client.state("payment")
        assert (state.state, state.health_detail) == (RunState.MISSING, "no such program: no-such-program")
        assert (await ProcessActuator(client).run("rollback", PAYMENT, {}, "att_1")).ok
        assert (await client.state("payment")).state is RunState.RUNNING


async def test_a_process_that_ends_at_once_is_a_failed_start(tmp_path: Path) -> None:
    async with supervising(tmp_path, ProcessSpec(name="payment", argv=("false",))) as client:
        await state_is(client, RunState.EXITED)
        outcome = await ProcessActuator(client).run("start", PAYMENT, {}, "att_1")
    assert not outcome.ok
    assert "exited with code 1" in outcome.detail


@pytest.mark.parametrize(
    ("action", "parameters", "reason"),
    [
        ("rollback", {}, "no earlier release"),
        ("rollback", {"release": "v9"}, "no release v9"),
        ("reboot", {}, "no action reboot"),
    ],
)
async def test_what_is_impossible_is_refused_and_changes_nothing(
    tmp_path: Path, action: str, parameters: dict[str, str], reason: str
) -> None:
    async with supervising(tmp_path, RELEASED) as client:
        actuator = ProcessActuator(client)
        pid = (await client.state("payment")).pid
        with pytest.raises(ActuatorError, match=reason) as raised:
            await actuator.run(action, PAYMENT, parameters, "att_1")
        assert raised.value.fix
        assert (await client.state("payment")).pid == pid
        assert await client.record("att_1") is None
        assert await kinds(actuator) == ["start"]


async def test_an_action_that_never_arrived_was_observed_not_to_have_happened(tmp_path: Path) -> None:
    async with supervising(tmp_path, SLEEPER) as client:
        actuator = ProcessActuator(client)
        assert await actuator.observe("restart", PAYMENT, {}, "att_9", datetime.now(UTC)) is False


async def test_without_a_journal_of_that_time_the_process_itself_is_asked(tmp_path: Path) -> None:
    reserved_at = datetime.now(UTC) - timedelta(seconds=60)
    async with supervising(tmp_path, SLEEPER) as client:
        actuator = ProcessActuator(client)
        assert await actuator.observe("restart", PAYMENT, {}, "att_9", reserved_at) is True
        assert await actuator.observe("stop", PAYMENT, {}, "att_9", reserved_at) is False
        assert await actuator.observe("rollback", PAYMENT, {}, "att_9", reserved_at) is None


async def test_cpu_is_percent_of_one_core_over_the_last_second_or_so(tmp_path: Path) -> None:
    burner = ProcessSpec(name="payment", argv=(sys.executable, "-c", "while True: pass"), stop_grace_seconds=0.1)
    async with supervising(tmp_path, burner) as client:

        async def busy() -> bool:
            return ((await client.state("payment")).cpu_percent or 0.0) > 30.0

        await eventually(busy, every_seconds=0.2)
        state = await client.state("payment")
        assert state.cpu_percent is not None
        assert state.cpu_percent < 120.0
        assert state.memory_bytes is not None
        assert state.memory_bytes > 1_000_000


async def test_health_is_probed_and_a_fresh_process_is_starting(tmp_path: Path, unused_port: int) -> None:
    program = (
        "import sys, time\n"
        "from http.server import HTTPServer, SimpleHTTPRequestHandler\n"
        "time.sleep(0.5)\n"
        "HTTPServer(('127.0.0.1', int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()\n"
    )
    argv = (sys.executable, "-c", program, str(unused_port))
    check = HealthCheck(url=f"http://127.0.0.1:{unused_port}/", timeout_seconds=0.5)
    async with supervising(tmp_path, ProcessSpec(name="payment", argv=argv, health=check)) as client:
        assert (await client.state("payment")).state is RunState.STARTING
        outcome = await ProcessActuator(client).run("restart", PAYMENT, {}, "att_1")
        assert outcome.ok
        assert "healthy" in outcome.detail
        state = await client.state("payment")
        assert (state.state, state.healthy, state.health_detail) == (RunState.RUNNING, True, "answered 200")


async def test_an_alive_process_that_does_not_answer_is_running_and_unhealthy(tmp_path: Path, unused_port: int) -> None:
    check = HealthCheck(url=f"http://127.0.0.1:{unused_port}/", timeout_seconds=0.2, start_seconds=0.2)
    spec = SLEEPER.model_copy(update={"health": check})
    async with supervising(tmp_path, spec) as client:
        state = await state_is(client, RunState.RUNNING)
        assert state.healthy is False
        assert not (await ProcessActuator(client).run("restart", PAYMENT, {}, "att_1")).ok


async def test_a_child_sees_only_the_declared_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    spec = ProcessSpec(name="payment", argv=("env",), environment={"COLOUR": "green"})
    async with supervising(tmp_path, spec):
        log = tmp_path / "logs" / "payment.log"
        await eventually(lambda: "COLOUR=green" in log.read_text())
        assert "xoxb-secret" not in log.read_text()


async def test_an_unknown_process_and_a_missing_supervisor_are_told_apart(tmp_path: Path) -> None:
    stranger = Service(name="stranger", identity=Identity(process="stranger"))
    async with supervising(tmp_path, SLEEPER) as client:
        with pytest.raises(SourceRejected, match="runs no process stranger"):
            await ProcessActuator(client).state(stranger)
    actuator = ProcessActuator(SupervisorClient(tmp_path / "s.sock"))
    with pytest.raises(SourceUnavailable, match="no answer from the supervisor"):
        await actuator.run("restart", PAYMENT, {}, "att_1")
    assert (await actuator.status()).reachable is False
