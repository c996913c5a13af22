"""Test servers: a missing program skips, but fails where tests are promised to run in full; a failure shows the log."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from drills.ports import free_port
from tests.servers.process import binary, running_servers, serving


@pytest.mark.parametrize("promise", [{"CI": "true"}, {"TEST_INSTALL": "1"}, {}])
def test_a_missing_program(promise: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "TEST_INSTALL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in promise.items():
        monkeypatch.setenv(name, value)
    outcome = pytest.fail.Exception if promise else pytest.skip.Exception
    with pytest.raises(outcome, match="apt-get install prometheus"):
        binary("no-such-program", package="prometheus")


def test_a_server_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    others = list(running_servers)
    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    with (
        pytest.raises(AssertionError, match="the port is taken"),
        serving("broken", command, port=free_port(), ready_path="/", folder=tmp_path),
    ):
        pass
    assert list(running_servers) == others
