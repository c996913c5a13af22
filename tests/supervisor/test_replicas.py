"""Groups of replicas: a port and a log each, scaled up, down and back, with the well ones kept."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from app.sources import open_sources
from clients.processes.actuator import ProcessActuator
from clients.processes.client import SupervisorClient
from clients.processes.replicas import ReplicaTargets, replica_logs
from clients.processes.wire import HealthCheck, ProcessSpec, Release
from core.clock import SystemClock
from core.errors import ActuatorError
from core.frames import LogQuery
from core.models import Identity, RunState, Service, ServiceState, Window
from drills.ports import free_ports
from tests.supervisor.running import RunningSupervisor, supervising
from tests.support import eventually
from tools.actions.scale import to_replicas_before

pytestmark = pytest.mark.slow

PAYMENT = Service(name="payment", identity=Identity(process="payment"))
PROGRAM = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
port, flaw = int(sys.argv[1]), Path(sys.argv[2])
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if flaw.exists() else 200)
        self.end_headers()
        self.wfile.write(f"replica_number {os.environ['REPLICA']}\\n".encode())
    def log_message(self, *_): pass
print("replica", os.environ["REPLICA"], "on", os.environ["PORT"], os.environ.get("GREETING", ""), flush=True)
HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def group(folder: Path, *, replicas: int = 2, port: int = 0) -> ProcessSpec:
    """Small web services; the one whose flaw file exists answers 503."""
    url = "http://127.0.0.1:{port}"
    return ProcessSpec(
        name="payment",
        argv=(sys.executable, "-c", PROGRAM, "{port}", str(folder / "flaw-{replica}")),
        releases=(Release(version="v1"), Release(version="v2", environment={"GREETING": "v2 of {replica}"})),
        release="v1",
        health=HealthCheck(url=f"{url}/healthz", start_seconds=5),
        stop_grace_seconds=1,
        replicas=replicas,
        max_replicas=4,
        port=port or free_ports(4)[0],
        metrics=f"{url}/metrics",
    )


async def answering(spec: ProcessSpec) -> list[str]:
    """What the replicas say that answer."""
    assert spec.port is not None
    told = []
    async with httpx.AsyncClient(trust_env=False) as http:
        for number in range(spec.max_replicas):
            try:
                told.append((await http.get(f"http://127.0.0.1:{spec.port + number}/")).text.strip())
            except httpx.HTTPError:
                continue
    return told


async def well(client: SupervisorClient, replicas: int) -> ServiceState:
    """The group, once all of it is healthy."""

    async def check() -> ServiceState | None:
        state = await client.state("payment")
        return state if state.healthy and state.replicas == replicas else None

    found = await eventually(check)
    assert found is not None
    return found


async def test_scaling_up_and_the_way_back(tmp_path: Path) -> None:
    spec = group(tmp_path)
    async with supervising(tmp_path, spec) as client:
        actuator = ProcessActuator(client)
        before = await well(client, 2)
        since = datetime.now(UTC)
        outcome = await actuator.run("scale", PAYMENT, {"replicas": "4"}, "att_1")
        assert (outcome.ok, outcome.before, outcome.after) == (True, "2", "4"), outcome.detail
        after = await well(client, 4)
        assert after.started_at == before.started_at, "those that ran were left alone"
        assert await answering(spec) == [f"replica_number {number}" for number in (1, 2, 3, 4)]
        assert await actuator.run("scale", PAYMENT, {"replicas": "4"}, "att_1") == outcome
        assert await actuator.observe("scale", PAYMENT, {"replicas": "4"}, "att_1", since) is True
        back = to_replicas_before(outcome)
        assert back is not None
        assert (await actuator.run("scale", PAYMENT, back, "att_2")).ok
        assert len(await answering(spec)) == 2
        window = Window(start=since - timedelta(minutes=1), end=datetime.now(UTC))
        told = [(c.kind, c.before, c.after) for c in await actuator.changes(PAYMENT, window) if c.kind == "scale"]
        assert told == [("scale", "2", "4"), ("scale", "4", "2")]
        assert "exit" not in [c.kind for c in await actuator.changes(PAYMENT, window)]


async def test_scaling_down_takes_the_ill_one_and_keeps_the_well(tmp_path: Path) -> None:
    spec = group(tmp_path, replicas=3)
    async with supervising(tmp_path, spec) as client:
        await well(client, 3)
        (tmp_path / "flaw-1").touch()
        state = await client.state("payment")
        assert (state.state, state.healthy) == (RunState.RUNNING, False)
        assert "replica 1: answered 503" in state.health_detail
        assert (await ProcessActuator(client).run("scale", PAYMENT, {"replicas": "2"}, "att_1")).ok
        await well(client, 2)
        assert await answering(spec) == ["replica_number 2", "replica_number 3"]
        assert (await client.status()).replicas == {"payment": (2, 3)}


async def test_replicas_that_do_not_come_up_are_taken_away_again(tmp_path: Path) -> None:
    spec = group(tmp_path)
    spec = spec.model_copy(update={"health": HealthCheck(url="http://127.0.0.1:{port}/healthz", start_seconds=1)})
    (tmp_path / "flaw-3").touch()
    async with supervising(tmp_path, spec) as client:
        await well(client, 2)
        outcome = await ProcessActuator(client).run("scale", PAYMENT, {"replicas": "3"}, "att_1")
        assert (outcome.ok, outcome.after) == (False, "2")
        assert "2 replicas as before" in outcome.detail
        await well(client, 2)


async def test_a_restart_goes_through_the_replicas_and_ends_at_one_that_fails(tmp_path: Path) -> None:
    spec = group(tmp_path, replicas=3)
    spec = spec.model_copy(update={"health": HealthCheck(url="http://127.0.0.1:{port}/healthz", start_seconds=1)})
    async with supervising(tmp_path, spec) as client:
        before = await well(client, 3)
        assert (await ProcessActuator(client).run("restart", PAYMENT, {}, "att_1")).ok
        after = await well(client, 3)
        assert before.started_at is not None
        assert after.started_at is not None
        assert after.started_at > before.started_at
        (tmp_path / "flaw-2").touch()
        outcome = await ProcessActuator(client).run("restart", PAYMENT, {}, "att_2")
        assert not outcome.ok
        assert "replica 1" not in outcome.detail, "the well ones were not touched once the ill one had failed"
        assert (await client.state("payment")).started_at == after.started_at


async def test_a_replica_that_dies_is_told_and_started_without_the_others(tmp_path: Path) -> None:
    spec = group(tmp_path)
    async with supervising(tmp_path, spec) as client:
        before = await well(client, 2)
        os.kill(_pid_of(spec, 2), signal.SIGKILL)

        async def missed() -> bool:
            return "replica 2: killed by SIGKILL" in (await client.state("payment")).health_detail

        await eventually(missed)
        window = Window(start=datetime.now(UTC) - timedelta(minutes=1), end=datetime.now(UTC))
        assert "replica 2: killed by SIGKILL" in [c.detail for c in await client.changes("payment", window)]
        assert (await ProcessActuator(client).run("start", PAYMENT, {}, "att_1")).ok
        assert (await well(client, 2)).started_at == before.started_at


def _pid_of(spec: ProcessSpec, number: int) -> int:
    assert spec.port is not None
    wanted = [PROGRAM.encode(), str(spec.port + number - 1).encode()]
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and (process / "cmdline").read_bytes().split(b"\0")[2:4] == wanted:
                return int(process.name)
    raise AssertionError(f"no replica {number}")


async def test_a_release_reaches_every_replica_with_its_number_in_it(tmp_path: Path) -> None:
    spec = group(tmp_path)
    async with supervising(tmp_path, spec) as client:
        await well(client, 2)
        assert (await client.deploy("payment", "v2", key="d")).ok
        logs = replica_logs(tmp_path / "logs", "payment")
        assert [path.name for path in logs] == ["payment@1.log", "payment@2.log"]
        first, second = (path.read_text() for path in logs)
        assert "replica 1 on " in first.splitlines()[-1]
        assert "replica 2 on " in second.splitlines()[-1]
        assert second.rstrip().endswith("v2 of 2")
        assert (await ProcessActuator(client).run("rollback", PAYMENT, {}, "att_1")).after == "v1"


@pytest.mark.parametrize("replicas", ["0", "5", "many", ""])
async def test_a_count_that_is_none_is_refused(tmp_path: Path, replicas: str) -> None:
    async with supervising(tmp_path, group(tmp_path)) as client:
        with pytest.raises(ActuatorError, match="not a number of replicas"):
            await ProcessActuator(client).run("scale", PAYMENT, {"replicas": replicas}, "att_1")
        assert (await client.status()).replicas == {"payment": (1, 2)}


async def test_one_process_cannot_be_scaled(tmp_path: Path) -> None:
    async with supervising(tmp_path, ProcessSpec(name="payment", argv=("sleep", "600"))) as client:
        with pytest.raises(ActuatorError, match="payment is one process") as raised:
            await ProcessActuator(client).run("scale", PAYMENT, {"replicas": "2"}, "att_1")
        assert "declare replicas" in raised.value.fix


async def test_the_next_supervisor_runs_as_many_and_one_cut_short_is_completed(
    supervisor: RunningSupervisor,
) -> None:
    spec = group(supervisor.folder)
    first = await supervisor.start(spec)
    actuator = ProcessActuator(supervisor.client)
    assert (await actuator.run("scale", PAYMENT, {"replicas": "3"}, "att_1")).ok
    first.kill()
    first.wait()
    second = await supervisor.start(spec)
    await well(supervisor.client, 3)
    second.terminate()
    second.wait()
    edited = await supervisor.start(spec.model_copy(update={"replicas": 1}))
    await well(supervisor.client, 1)
    edited.terminate()
    edited.wait()


async def test_each_replica_is_scraped_and_its_log_is_read(tmp_path: Path) -> None:
    spec = group(tmp_path)
    declared = {**spec.model_dump(mode="json", exclude_none=True), "name": "payment"}
    given = {"data_dir": str(tmp_path / "data"), "processes": [declared], "scrape": {"interval_seconds": 1}}
    settings = Settings.model_validate(given)
    settings.data_path.mkdir()
    opened = await open_sources(settings, SystemClock())
    service = opened.inventory.get("payment")
    assert service is not None
    assert (service.identity.process, service.identity.prometheus) == ("payment", {"job": "payment"})
    await opened.buffer.scrape_once()
    assert "0 of 2 targets" in (await opened.buffer.status()).detail
    async with supervising(tmp_path, spec) as client:
        settings.socket_path.symlink_to(tmp_path / "s.sock")
        settings.logs_path.symlink_to(tmp_path / "logs")
        await well(client, 2)
        assert (await ProcessActuator(client).run("scale", PAYMENT, {"replicas": "3"}, "att_1")).ok
        await opened.buffer.scrape_once()
        assert "3 of 3 targets up" in (await opened.buffer.status()).detail
        now = datetime.now(UTC)
        window = Window(start=now - timedelta(minutes=1), end=now + timedelta(seconds=1))
        page = await opened.sources.logs.query(LogQuery(service="payment", window=window))
        assert sorted(line.text.split(" on ")[0] for line in page.lines) == ["replica 1", "replica 2", "replica 3"]
    await opened.close()


def test_a_supervisor_that_is_away_leaves_the_replicas_of_the_declaration(tmp_path: Path) -> None:
    targets = ReplicaTargets([group(tmp_path, port=9000)], {"payment": "Payment"}, SupervisorClient(tmp_path / "no"))
    assert [(each.url, each.labels["job"]) for each in targets.known()] == [
        ("http://127.0.0.1:9000/metrics", "Payment"),
        ("http://127.0.0.1:9001/metrics", "Payment"),
    ]
