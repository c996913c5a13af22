"""A supervisor in a process of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor.running import RunningSupervisor


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[RunningSupervisor]:
    """A folder in which supervisors are started."""
    running = RunningSupervisor(tmp_path)
    yield running
    running.close()


@pytest.fixture
def unused_port() -> int:
    """A TCP port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
