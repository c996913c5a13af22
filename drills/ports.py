"""TCP ports for servers that are started a moment later.

A port that the kernel gives out (`bind` to 0) may be given out again, to any outgoing connection, between the moment it
is found and the moment the server listens. Ports below the kernel's range are given to nobody, so only another server
can take them. Source: https://docs.kernel.org/networking/ip-sysctl.html (`ip_local_port_range`).
"""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

from core.errors import SourceUnavailable

LOWEST = 10_240
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_EPHEMERAL = 32_768
_ATTEMPTS = 1_000

_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, each given out once by this process; `count` of them in a row.

    Raises:
        SourceUnavailable: there is no such row.
    """
    choose = random.SystemRandom()
    last = _ephemeral_begins() - count
    for _ in range(_ATTEMPTS):
        first = choose.randint(LOWEST, last)
        row = range(first, first + count)
        if _given.isdisjoint(row) and _all_free(row):
            _given.update(row)
            return list(row)
    raise SourceUnavailable(
        f"no {count} free ports between {LOWEST} and {last + count}", fix="end some of the servers on this machine"
    )


def free_port() -> int:
    """One of `free_ports`."""
    return free_ports(1)[0]


def _ephemeral_begins() -> int:
    """The first port that the kernel gives to outgoing connections."""
    try:
        begins = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        begins = _DEFAULT_EPHEMERAL
    return begins if begins > LOWEST + _ATTEMPTS else 65_535


def _all_free(row: range) -> bool:
    """Whether a server could listen on each of them, on every address."""
    with ExitStack() as held:
        try:
            for port in row:
                held.enter_context(socket.socket()).bind(("", port))
        except OSError:
            return False
    return True
