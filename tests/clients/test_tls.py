"""Servers with a certificate of a private authority: refused without `ca_file`, answered with it."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clients.alertmanager import Alertmanager, AlertmanagerSettings
from clients.loki.settings import LokiSettings
from clients.loki.source import LokiLogs
from clients.prometheus.settings import PrometheusSettings
from clients.prometheus.source import PrometheusMetrics
from core.clock import SystemClock
from core.errors import SourceRejected
from core.frames import MetricQuery
from core.models import Window
from tests.fakes.wire import Asked, Reply, wire
from tests.servers.process import binary

WINDOW = Window(start=datetime(2026, 3, 3, 12, 0, tzinfo=UTC), end=datetime(2026, 3, 3, 12, 1, tzinfo=UTC))
CLOCK = SystemClock()
Ask = Callable[[dict[str, str]], Awaitable[object]]
ASK: dict[str, Ask] = {
    "requests": lambda given: PrometheusMetrics(PrometheusSettings.model_validate(given), CLOCK).query(
        MetricQuery(metric="up", window=WINDOW)
    ),
    "httpx": lambda given: Alertmanager(AlertmanagerSettings.model_validate(given), CLOCK).alerts(),
    "websockets": lambda given: anext(
        LokiLogs(LokiSettings.model_validate(given), {}, CLOCK).tail("cart", WINDOW.start)
    ),
}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, in one file, signed by itself."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = [binary("openssl", package="openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def answer(asked: Asked) -> Reply:
    if asked.path.startswith("/loki"):
        return Reply(b"no org id", 401, "text/plain")
    if asked.path.startswith("/api/v2"):
        return Reply(b"[]")
    return Reply(b'{"status": "success", "data": {"resultType": "matrix", "result": []}}')


@pytest.mark.parametrize("library", ASK)
async def test_a_private_authority(library: str, certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with wire(answer, tls=tls) as server:
        with pytest.raises(SourceRejected, match="TLS failed") as raised:
            await ASK[library]({"url": server.url})
        assert "ca_file" in raised.value.fix
        trusted = {"url": server.url, "ca_file": f"{certificate}.crt"}
        if library == "websockets":
            with pytest.raises(SourceRejected, match="no org id"):
                await ASK[library](trusted)
        else:
            await ASK[library](trusted)
        assert server.asked
