"""A supervisor in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drills.ports import free_port
from tests.supervisor.running import RunningSupervisor


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[RunningSupervisor]:
    """A folder in which supervisors are started."""
    running = RunningSupervisor(tmp_path)
    yield running
    running.close()


@pytest.fixture
def unused_port() -> int:
    """A TCP port that nobody listened on a moment ago."""
    return free_port()
