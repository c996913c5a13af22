"""Alertmanager's own tool reads the configuration and says where alerts go."""

from __future__ import annotations

import subprocess

import pytest

from app.server.alerts import alert_routes
from tests.infrastructure.stack import FOLDER, load, services, settings
from tests.servers.process import binary

CONFIG = FOLDER / "alertmanager" / "alertmanager.yml"


def amtool(*arguments: str) -> str:
    command = [binary("amtool", package="prometheus-alertmanager"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_is_valid() -> None:
    assert "2 receivers" in amtool("check-config", str(CONFIG))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=HighErrorRate", "service=payment", "severity=critical"), "quell"),
        (("alertname=Unheard", "severity=info"), "quell"),
        (("alertname=ServiceDown", "service=quell", "severity=critical"), "people"),
    ],
)
def test_where_an_alert_goes(labels: tuple[str, ...], receiver: str) -> None:
    told = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receiver}", *labels)
    assert told.strip() == receiver


def test_the_webhook_is_quells_with_its_token() -> None:
    [quell] = [each for each in load("alertmanager/alertmanager.yml")["receivers"] if each["name"] == "quell"]
    [webhook] = quell["webhook_configs"]
    [route] = alert_routes(None, lambda: None).routes  # type: ignore[arg-type]  # no request is answered
    assert webhook["url"] == f"http://quell:{settings().server.port}{route.path}"  # type: ignore[attr-defined]  # an APIRoute
    assert webhook["send_resolved"] is True
    secret = webhook["http_config"]["authorization"]["credentials_file"]
    assert secret == "/run/secrets/quell_token"
    assert "quell_token" in services()["alertmanager"]["secrets"]
    token = settings().server.token
    assert token is not None
    assert token.get_secret_value() == f"file:{secret}"
