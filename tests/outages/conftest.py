"""No variable and no quell.yaml of the machine reaches a test of outages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.servers.postgres import postgres_server

__all__ = ["postgres_server"]


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("QUELL_") or name in ("DATABASE_URL", "PROMETHEUS_URL", "DOCKER_HOST"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
