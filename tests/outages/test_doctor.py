"""`quell doctor` against real servers, right and wrong: it names the server, what is wrong with it, and the fix.

What cannot be run here answers by a fake on the wire, or as it was recorded.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from app import reference
from app.cli.main import main
from core.models import Model
from core.ports import SourceStatus
from drills.ports import free_port
from stores.migrate import upgrade
from tests.fakes.loki import Line, loki
from tests.fakes.recordings import Player, recording, reply_of
from tests.fakes.wire import Asked, Reply, wire
from tests.servers.alertmanager import alertmanager
from tests.servers.docker import DockerEngine
from tests.servers.postgres import PASSWORD, Postgres
from tests.servers.prometheus import prometheus
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SCHEMA = Path(reference.__file__).parent.parent / "docs" / "reference" / "json" / "DoctorReport.json"
TOKEN = "token-of-the-proxy"


class Told(Model):
    """What one run of the doctor said.

    Attributes:
        code: its exit code.
        checks: each check by its name.
        text: all that it printed.
    """

    code: int
    checks: dict[str, SourceStatus]
    text: str


Doctor = Callable[..., Awaitable[Told]]


@pytest.fixture
async def doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """`quell doctor --json` with sections of quell.yaml, in a fresh installation whose database is up to date."""
    (tmp_path / ".quell").mkdir()
    await upgrade(f"sqlite+aiosqlite:///{tmp_path / '.quell' / 'quell.db'}")
    schema = json.loads(SCHEMA.read_text())

    async def ask(**sections: Any) -> Told:
        (tmp_path / "quell.yaml").write_text(yaml.safe_dump(sections))
        capsys.readouterr()
        code = await asyncio.to_thread(main, ["doctor", "--json"])
        text = capsys.readouterr().out
        report = json.loads(text)
        jsonschema.validate(report, schema)
        checks = {each["name"]: SourceStatus.model_validate(each) for each in report["checks"]}
        broken = [each for each in checks.values() if each.configured and not each.reachable]
        assert code == (1 if broken else 0), text
        assert all(each.detail and each.fix for each in broken), broken
        return Told(code=code, checks=checks, text=text)

    return ask


def wrong(told: Told, name: str, *words: str) -> None:
    """The check failed, and says these words."""
    check = told.checks[name]
    assert told.code == 1
    assert not check.reachable
    said = f"{check.detail} -> {check.fix}"
    assert all(word in said for word in words), said


def right(told: Told, name: str) -> SourceStatus:
    """The check passed."""
    check = told.checks[name]
    assert check.reachable, check
    assert not check.fix
    return check


def proxied(url: str) -> Callable[[Asked], Reply]:
    """A proxy in front of a server that wants a token."""

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(b"Unauthorized", 401, "text/plain")
        query = urllib.parse.urlencode(asked.query, doseq=True)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{url}{asked.path}?{query}", timeout=5) as passed:
            return Reply(passed.read())

    return answer


def old_prometheus(buildinfo: Reply) -> Callable[[Asked], Reply]:
    """A Prometheus that answers queries, and this to the question for its version."""
    count = {"resultType": "vector", "result": [{"metric": {}, "value": [0, "3"]}]}
    queried = Reply(json.dumps({"status": "success", "data": count}).encode())

    def answer(asked: Asked) -> Reply:
        return buildinfo if asked.path.endswith("/buildinfo") else queried

    return answer


def built(version: str) -> Reply:
    """What Prometheus says about its version."""
    return Reply(json.dumps({"status": "success", "data": {"version": version}}).encode())


async def scraped(doctor: Doctor, url: str) -> Told:
    """Once the Prometheus has scraped its first page."""

    async def well() -> Told | None:
        told = await doctor(prometheus={"url": url})
        return told if told.checks["prometheus"].reachable else None

    told = await eventually(well, deadline_seconds=30, every_seconds=0.2)
    assert told is not None
    return told


async def test_prometheus_right_and_wrong(doctor: Doctor, tmp_path: Path) -> None:
    port = free_port()
    itself = [{"job_name": "itself", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]
    with prometheus(tmp_path, scrape_configs=itself, port=port) as server:
        told = await scraped(doctor, server.url)
        assert right(told, "prometheus").version.startswith("2.")
        assert told.checks["prometheus"].detail == "1 targets"
        async with wire(proxied(server.url)) as proxy:
            for token in ("", "another"):
                section = {"url": proxy.url, **({"bearer_token": token} if token else {})}
                told = await doctor(prometheus=section)
                wrong(told, "prometheus", "Prometheus", proxy.url, "401", "prometheus.bearer_token")
            right(await doctor(prometheus={"url": proxy.url, "bearer_token": TOKEN}), "prometheus")
            assert TOKEN not in told.text
        wrong(
            await doctor(prometheus={"url": f"{server.url}/prom"}),
            "prometheus",
            "404",
            "check that prometheus.url is the address of Prometheus, with its path prefix",
        )
    wrong(
        await doctor(prometheus={"url": server.url}),
        "prometheus",
        f"Prometheus at {server.url} does not answer: Connection refused",
        "start Prometheus, or correct prometheus.url",
    )


async def test_an_empty_prometheus(doctor: Doctor, tmp_path: Path) -> None:
    with prometheus(tmp_path) as server:
        told = await doctor(prometheus={"url": server.url})
    wrong(told, "prometheus", "it is empty: no target is scraped", "add scrape_configs to prometheus.yml")
    assert told.checks["prometheus"].version.startswith("2.")


async def test_a_prometheus_that_is_too_old(doctor: Doctor) -> None:
    async with wire(old_prometheus(built("1.8.2"))) as server:
        told = await doctor(prometheus={"url": server.url})
        wrong(told, "prometheus", "version 1.8.2 is too old", "upgrade Prometheus")
        server.answer = old_prometheus(Reply(b"404 page not found", 404, "text/plain"))
        wrong(await doctor(prometheus={"url": server.url}), "prometheus", "older than 2.14", "upgrade Prometheus")
        server.answer = old_prometheus(built("3.1.0"))
        right(await doctor(prometheus={"url": server.url}), "prometheus")


async def test_something_else_listens_where_prometheus_and_others_should(
    doctor: Doctor, tmp_path: Path, postgres_server: Postgres
) -> None:
    sections = ("prometheus", "alertmanager", "loki", "tempo")
    with alertmanager(tmp_path) as server:
        told = await doctor(**{section: {"url": server.url} for section in sections})
        right(told, "alertmanager")
        for section in sections:
            if section != "alertmanager":
                wrong(told, section, f"{section.capitalize()} at {server.url}", f"{section}.url")
    database = f"http://127.0.0.1:{postgres_server.port}"
    told = await doctor(**{section: {"url": database} for section in sections})
    for section in sections:
        wrong(told, section, f"{section.capitalize()} at {database}", f"{section}.url")
    nothing = f"http://127.0.0.1:{free_port()}"
    told = await doctor(**{section: {"url": nothing} for section in sections})
    for section in sections:
        wrong(told, section, "Connection refused", f"start {section.capitalize()}, or correct {section}.url")


async def test_alertmanager_right_and_wrong(doctor: Doctor, tmp_path: Path) -> None:
    with alertmanager(tmp_path) as server:
        assert right(await doctor(alertmanager={"url": server.url}), "alertmanager").version.startswith("0.")
        async with wire(proxied(server.url)) as proxy:
            told = await doctor(alertmanager={"url": proxy.url, "bearer_token": "another"})
            wrong(told, "alertmanager", "401", "alertmanager.bearer_token")
            right(await doctor(alertmanager={"url": proxy.url, "bearer_token": TOKEN}), "alertmanager")
    async with wire(lambda _: Reply(b'{"versionInfo": {"version": "0.15.0"}}')) as old:
        told = await doctor(alertmanager={"url": old.url})
    wrong(told, "alertmanager", "version 0.15.0 is too old", "upgrade Alertmanager")


async def test_postgresql_right_and_wrong(
    doctor: Doctor, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.url(postgres_server.create())
    with talkative_port() as taken:
        for mistake, *words in [
            (url.replace(PASSWORD, "hush"), "password", "correct user and password"),
            (url.replace(f":{postgres_server.port}/", f":{free_port()}/"), "start PostgreSQL"),
            (url.replace(f":{postgres_server.port}/", f":{taken}/"), "PostgreSQL"),
            (url, "at revision none", "quell db upgrade"),
        ]:
            monkeypatch.setenv("DATABASE_URL", mistake)
            began = time.monotonic()
            told = await doctor()
            assert time.monotonic() - began < 60
            wrong(told, "database", *words)
            assert "hush" not in told.text
            assert PASSWORD not in told.text
    monkeypatch.setenv("DATABASE_URL", url)
    await upgrade(url)
    assert right(await doctor(), "database").version.startswith("PostgreSQL 1")


@contextmanager
def talkative_port() -> Iterator[int]:
    """A port on which something listens that ends each conversation with words of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


async def test_a_docker_engine_that_is_not_there(doctor: Doctor, tmp_path: Path) -> None:
    missing = f"unix://{tmp_path}/no.sock"
    wrong(await doctor(docker={"url": missing}), "docker", missing, "start the Docker Engine, or correct docker.url")
    refused = f"tcp://127.0.0.1:{free_port()}"
    wrong(await doctor(docker={"url": refused}), "docker", "Docker Engine", "start the Docker Engine")
    with alertmanager(tmp_path) as server:
        told = await doctor(docker={"url": server.url.replace("http", "tcp")})
    wrong(told, "docker", "Docker Engine", "docker.url")


async def test_a_real_docker_engine(doctor: Doctor, docker_engine: DockerEngine) -> None:
    swarm = [{"name": "web", "identity": {"swarm_service": "web"}}]
    told = await doctor(docker={"url": docker_engine.url}, services=swarm)
    for name in ("docker", "swarm"):
        assert "API 1." in right(told, name).version


async def test_loki_and_tempo_right_and_wrong(doctor: Doctor) -> None:
    line = Line(time.time_ns(), "hello", {"service": "edge"})
    async with loki([line], tenant="shop") as logs, wire(Player("tempo")) as traces:
        told = await doctor(loki={"url": logs.url, "tenant": "shop"}, tempo={"url": traces.url})
        assert right(told, "loki").version
        assert told.checks["tempo"].version
        assert told.checks["tempo"].reachable
        told = await doctor(loki={"url": logs.url})
        wrong(told, "loki", "no org id", "set loki.tenant")
        traces.answer = lambda _: reply_of(recording("tempo", "not_found"))
        wrong(await doctor(tempo={"url": traces.url}), "tempo", "404", "check that tempo.url is the address of Tempo")
        traces.answer = lambda _: Reply(b'{"version": "1.5.0"}')
        wrong(await doctor(tempo={"url": traces.url}), "tempo", "version 1.5.0 is too old", "upgrade Tempo")
    async with loki() as empty:
        wrong(await doctor(loki={"url": empty.url}), "loki", "no stream of the last hour", "Vector")


def test_what_a_user_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "quell.yaml").write_text(f"prometheus: {{url: 'http://127.0.0.1:{free_port()}'}}\n")
    assert main(["doctor"]) == 1
    [row] = [line for line in capsys.readouterr().out.splitlines() if " prometheus " in line]
    assert row.startswith("BROKEN")
    assert "start Prometheus, or correct prometheus.url" in row
