"""A network partition on this machine: packets to one loopback port are dropped, in both directions of a connection.

Nothing but that port is touched, and nothing leaves the machine. Needs root and iptables.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.servers.process import binary

LOCK_SECONDS = "10"


@contextmanager
def partition(port: int) -> Iterator[None]:
    """Nobody reaches the port until the block ends; a connection attempt hangs, as it does when a link is cut."""
    program = binary("iptables", package="iptables")
    if os.geteuid() != 0:
        pytest.skip("iptables needs root")
    rule = ["INPUT", "--in-interface", "lo", "--protocol", "tcp", "--dport", str(port), "--jump", "DROP"]
    made = _run(program, "--insert", rule)
    if made.returncode:
        pytest.skip(f"no packet filter here: {made.stderr.strip()}")
    try:
        yield
    finally:
        removed = _run(program, "--delete", rule)
        assert removed.returncode == 0, removed.stderr


def _run(program: str, command: str, rule: list[str]) -> subprocess.CompletedProcess[str]:
    argv = [program, "--wait", LOCK_SECONDS, command, *rule]
    return subprocess.run(argv, capture_output=True, text=True, check=False)
