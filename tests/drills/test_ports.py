"""Ports for servers of tests and drills."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from core.errors import SourceUnavailable
from drills import ports
from drills.ports import free_port, free_ports


def test_ports_are_in_a_row_and_none_is_given_twice() -> None:
    rows = [free_ports(4) for _ in range(50)]
    assert all(row == list(range(row[0], row[0] + 4)) for row in rows)
    assert len({port for row in rows for port in row}) == 200


def test_no_outgoing_connection_can_take_one() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(free_port() < first for _ in range(50))


def test_a_taken_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_ports(4)
    with socket.create_server(("127.0.0.1", free[2])):
        monkeypatch.setattr(ports, "LOWEST", free[0])
        monkeypatch.setattr(ports, "_ephemeral_begins", lambda: free[0] + 4)
        monkeypatch.setattr(ports, "_given", set())
        with pytest.raises(SourceUnavailable, match="no 4 free ports"):
            free_ports(4)
