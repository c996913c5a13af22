"""The closed list of Engine calls, and the guard in the transport."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clients.docker.calls import ALLOWED, check
from clients.docker.engine import Engine
from clients.docker.settings import DockerSettings
from clients.docker.transport import GuardedClient
from core.clock import SystemClock
from core.errors import SourceError, SourceRejected, SourceUnavailable
from tests.fakes.wire import Asked, Reply, wire

PAGE = Path(__file__).resolve().parents[3] / "docs/docker.md"
VERSION = b'{"Version": "24.0", "ApiVersion": "1.43", "MinAPIVersion": "1.12"}'


@pytest.mark.parametrize(
    ("method", "path", "parameters"),
    [
        ("POST", "/v1.41/containers/a/exec", set()),
        ("POST", "/v1.41/containers/a/kill", set()),
        ("POST", "/v1.41/images/create", {"fromImage"}),
        ("POST", "/v1.41/build", set()),
        ("DELETE", "/v1.41/services/a", set()),
        ("DELETE", "/v1.41/volumes/a", set()),
        ("POST", "/v1.41/swarm/leave", set()),
        ("GET", "/v1.41/secrets", set()),
        ("GET", "/v1.41/containers/a/archive", {"path"}),
        ("GET", "/v1.41/containers/a/json", {"size"}),
        ("GET", "/v1.41/containers/../info/json", set()),
        ("POST", "/v1.41/services/create", set()),
        ("PUT", "/v1.41/containers/a/json", set()),
    ],
)
def test_a_call_that_is_not_listed_is_refused(method: str, path: str, parameters: set[str]) -> None:
    with pytest.raises(SourceRejected) as raised:
        check(method, path, parameters)
    assert raised.value.fix


def test_every_listed_call_passes_with_and_without_a_version() -> None:
    for call in ALLOWED:
        path = call.path.replace("{name}", "shop_pay-1.x").replace("{image}", "host:5000/team/pay:v1@sha256:0a")
        check(call.method, path, set(call.parameters))
        check(call.method, f"/v1.44{path}", set())


def test_the_documented_list_is_the_list() -> None:
    rows = re.findall(r"^\| `(GET|POST|DELETE) (\S+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((call.method, call.path) for call in ALLOWED)


def test_the_transport_never_sends_what_is_not_listed(tmp_path: Path) -> None:
    client = GuardedClient(DockerSettings(url=f"unix://{tmp_path}/nobody.sock"), "1.41")
    try:
        with pytest.raises(SourceRejected):
            client.kill("payment")
    finally:
        client.close()


async def test_an_engine_that_is_not_there_is_unavailable_and_says_what_to_do(tmp_path: Path) -> None:
    engine = Engine(DockerSettings(url=f"unix://{tmp_path}/nobody.sock"), SystemClock())
    with pytest.raises(SourceUnavailable) as raised:
        await engine.containers()
    assert "start the Docker Engine" in raised.value.fix
    await engine.close()


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (Reply(b"<html>log in</html>", content_type="text/html"), SourceRejected, "docker.url"),
        (Reply(b'[{"Id": "a", "Names": ["/a"]}]', cut=True), SourceUnavailable, "docker.url"),
        (Reply(b'{"message": "no"}', status=401), SourceRejected, "socket proxy"),
        (Reply(b'{"message": "no"}', status=403), SourceRejected, "socket proxy"),
        (Reply(b'{"message": "slow down"}', status=429), SourceUnavailable, "wait"),
        (Reply(b'{"message": "broken"}', status=500), SourceRejected, "log of the engine"),
        (Reply(b"gone", status=503), SourceUnavailable, "wait"),
        (Reply(b'{"message": "This node is not a swarm manager."}', status=503), SourceRejected, "docker swarm init"),
        (Reply(hold=True), SourceUnavailable, "timeout_seconds"),
        (Reply(drip=True), SourceUnavailable, "timeout_seconds"),
    ],
)
async def test_an_engine_that_answers_badly(reply: Reply, kind: type[SourceError], says: str) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(VERSION) if asked.path == "/version" else reply

    patience_seconds = 0.3 if reply.hold or reply.drip else 30.0
    async with wire(answer) as server:
        settings = DockerSettings(url=server.url, timeout_seconds=patience_seconds)
        engine = Engine(settings, SystemClock(), reserve_seconds=0.2)
        with pytest.raises(kind) as raised:
            await engine.containers()
        assert says in raised.value.fix
        await engine.close()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"ApiVersion": "1.30"}', "20.10"),
        (b'{"ApiVersion": "1.99", "MinAPIVersion": "1.60"}', "update Quell"),
        (b'{"status": "success"}', "docker.url"),
    ],
)
async def test_another_server_or_an_old_engine_is_named(body: bytes, says: str) -> None:
    async with wire(lambda asked: Reply(body)) as server:
        engine = Engine(DockerSettings(url=server.url, timeout_seconds=1), SystemClock())
        with pytest.raises(SourceRejected) as raised:
            await engine.containers()
        assert says in raised.value.fix
        await engine.close()


async def test_a_newer_engine_is_spoken_to_in_a_version_known_here() -> None:
    def answer(asked: Asked) -> Reply:
        newer = b'{"ApiVersion": "1.52", "MinAPIVersion": "1.44"}'
        return Reply(newer) if asked.path == "/version" else Reply(b"[]")

    async with wire(answer) as server:
        engine = Engine(DockerSettings(url=server.url, timeout_seconds=1), SystemClock())
        assert await engine.containers() == []
        assert server.asked[-1].path == "/v1.44/containers/json"
        await engine.close()
