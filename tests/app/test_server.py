"""Where the API may listen, its token, and `quell serve` as a real process."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.server.binding import base_url, check_binding, is_loopback
from app.server.settings import ServerSettings
from app.server.token import ensure_token, read_token
from app.settings import Settings
from core.errors import ConfigError
from tests.fakes.ollama import ollama_server
from tests.fakes.script import Say, Script
from tests.support import eventually, no_room

STARTED_SECONDS = 60.0
ALERT = {"status": "firing", "labels": {"alertname": "A", "severity": "info"}, "startsAt": "2026-03-03T12:00:00Z"}


def configured(tmp_path: Path, **server: object) -> Settings:
    return Settings(data_dir=tmp_path / "data", server=ServerSettings.model_validate(server))


def test_the_token_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    assert read_token(settings) == ""
    first, second = ensure_token(settings), ensure_token(settings)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.value == second.value == read_token(settings)
    assert len(first.value) >= 43
    assert stat.S_IMODE(settings.token_path.stat().st_mode) == 0o600
    assert ensure_token(configured(tmp_path / "other")).value != first.value


def test_an_empty_token_file_is_no_token(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    settings.data_path.mkdir()
    settings.token_path.touch(mode=0o644)
    assert ensure_token(settings).is_new
    assert stat.S_IMODE(settings.token_path.stat().st_mode) == 0o600


def test_a_configured_token_is_used_and_not_written(tmp_path: Path) -> None:
    settings = configured(tmp_path, token="given")
    assert ensure_token(settings).value == "given"
    assert not settings.token_path.exists()


def test_a_token_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    settings.token_path.mkdir(parents=True)
    with pytest.raises(ConfigError, match="token file"):
        ensure_token(settings)


def test_half_a_token_is_not_left_behind(tmp_path: Path) -> None:
    settings = configured(tmp_path)
    with no_room(), pytest.raises(ConfigError, match="cannot be written: File too large"):
        ensure_token(settings)
    assert not settings.token_path.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_nothing(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    check_binding(configured(tmp_path, host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "quell.example.org", "localhost.example.org"])  # noqa: S104
def test_another_address_needs_tls_a_proxy_or_insistence(tmp_path: Path, host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ConfigError, match="no TLS"):
        check_binding(configured(tmp_path, host=host))
    check_binding(configured(tmp_path, host=host, allow_insecure_bind=True))
    check_binding(configured(tmp_path, host=host, trusted_proxies=["192.0.2.7"]))
    pem = tmp_path / "server.pem"
    pem.touch()
    check_binding(configured(tmp_path, host=host, tls_certificate=str(pem), tls_key=str(pem)))


def test_tls_needs_both_files_and_both_readable(tmp_path: Path) -> None:
    pem = tmp_path / "server.pem"
    pem.touch()
    with pytest.raises(ConfigError, match="tls_key is not set"):
        check_binding(configured(tmp_path, tls_certificate=str(pem)))
    with pytest.raises(ConfigError, match="cannot be read"):
        check_binding(configured(tmp_path, tls_certificate=str(pem), tls_key=str(tmp_path / "none")))


def test_the_address_of_the_api() -> None:
    assert base_url(ServerSettings(host="::1"), 1) == "http://[::1]:1"
    assert base_url(ServerSettings(tls_certificate="a", tls_key="b"), 2) == "https://127.0.0.1:2"


class Served:
    """A running `quell serve`."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        (folder / "quell.yaml").write_text(f"server: {{port: 0}}\nservices: [{{name: gateway}}]\n{more}")
        self.out, self.err = folder / "out", folder / "err"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "app.cli.main", "serve"]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            return subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=err)

    async def url(self) -> str:
        def address() -> str:
            assert self.process.poll() is None, self.err.read_text()
            return next((w for w in self.out.read_text().split() if w.startswith("http://")), "")

        return await eventually(address, deadline_seconds=STARTED_SECONDS)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    running = Served(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


@pytest.mark.slow
async def test_serve_times_its_models_at_start_and_counts_what_they_are_asked(tmp_path: Path) -> None:
    script = Script(actor=lambda asked: Say("no JSON", prompt_tokens=100, output_tokens=100))
    async with ollama_server(script) as fake:
        served = Served(tmp_path, f'models: {{local: {{url: "{fake.url}", choice: {{default: "mistral:7b"}}}}}}\n')
        try:
            url = await served.url()
            await eventually(lambda: "models_measured" in served.err.read_text(), deadline_seconds=STARTED_SECONDS)
            slow = [json.loads(line) for line in served.err.read_text().splitlines() if "model_too_slow" in line]
            assert {(each["model"], each["task"]) for each in slow} >= {("mistral:7b", "anomaly")}
            token = (tmp_path / ".quell" / "token").read_text().strip()
            async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}) as client:
                alert = {**ALERT, "labels": {"alertname": "A", "severity": "warning", "service": "gateway"}}
                assert (await client.post("/api/alerts/webhook", json={"version": "4", "alerts": [alert]})).is_success

                async def opened() -> str:
                    found = (await client.get("/api/incidents")).json()["incidents"]
                    return str(found[0]["id"]) if found else ""

                incident = await eventually(opened, deadline_seconds=STARTED_SECONDS)
                told = (await client.post(f"/api/incidents/{incident}/summary", json={"by": "ada"})).json()
                assert told["rung"] == "rules", "no JSON is no summary"
                page = (await client.get("/metrics")).text
            assert (
                'quell_model_calls_total{agent="summaries",model="mistral:7b",outcome="answered",rung="local"} 2.0'
                in page
            )
        finally:
            served.process.kill()
            served.process.wait()


@pytest.mark.slow
async def test_serve_from_its_first_start_to_sigterm_and_again(served: Served) -> None:
    url = await served.url()
    token = (served.folder / ".quell" / "token").read_text().strip()
    assert token in served.out.read_text()
    async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}) as client:
        posted = await client.post("/api/alerts/webhook", json={"version": "4", "alerts": [ALERT]})
        assert posted.status_code == 202
        assert (await client.get("/readyz")).status_code == 200
    assert served.stop() == 0
    lines = [json.loads(line) for line in served.err.read_text().splitlines()]
    assert lines[-1]["event"] == "stopped"
    assert token not in served.err.read_text()
    assert not [line for line in lines if line.get("logger") == "uvicorn.access"]

    served.process = served.start()
    await served.url()
    assert token not in served.out.read_text()
    assert served.stop() == 0


@pytest.mark.slow
def test_serve_on_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-P", "-m", "app.cli.main", "serve", "--port", port]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: cannot listen on 127.0.0.1:{port}")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
