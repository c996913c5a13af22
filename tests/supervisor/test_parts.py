"""The supervisor's small parts: releases, /proc, the socket, log rotation, and declarations."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.supervisor.child import command
from app.supervisor.endpoint import claim_socket
from app.supervisor.journal import Standing
from app.supervisor.logs import rotate
from app.supervisor.procfs import CpuMeter, ProcessStat, read_stat
from app.supervisor.releases import standing_at_start
from clients.processes.wire import ProcessSpec, Release
from core.errors import ConfigError, Conflict
from tests.support import eventually

pytestmark = pytest.mark.slow

SPEC = ProcessSpec(
    name="cart",
    argv=("cart", "--fast"),
    environment={"A": "1", "B": "1"},
    releases=(Release(version="v1"), Release(version="v2", argv=("cart2",), environment={"B": "2"})),
    release="v1",
)


def test_a_release_overrides_arguments_and_environment() -> None:
    assert command(SPEC, "v1")[0] == ("cart", "--fast")
    argv, environment = command(SPEC, "v2")
    assert argv == ("cart2",)
    assert (environment["A"], environment["B"]) == ("1", "2")


@pytest.mark.parametrize(
    ("declared", "known", "expected"),
    [
        ("v1", None, ("v1", "")),
        ("v1", Standing(process="cart", declared="v1", release="v2", previous="v1"), ("v2", "v1")),
        ("v2", Standing(process="cart", declared="v1", release="v1"), ("v2", "v1")),
        ("v1", Standing(process="cart", declared="v1", release="v9", previous="v8"), ("v1", "")),
    ],
    ids=["first start", "what was deployed stays", "quell.yaml was edited", "the release is gone"],
)
def test_release_at_start(declared: str, known: Standing | None, expected: tuple[str, str]) -> None:
    standing = standing_at_start(SPEC.model_copy(update={"release": declared}), known)
    assert (standing.release, standing.previous) == expected
    assert standing.declared == declared


@pytest.mark.parametrize(
    "wrong",
    [
        {"releases": (Release(version="v1"),), "release": "v2"},
        {"releases": (Release(version="v1"), Release(version="v1")), "release": "v1"},
        {"release": "v1"},
        {"name": "../etc/passwd"},
        {"argv": ()},
        {"health": {"url": "not-an-address"}},
        {"replicas": 0},
        {"replicas": 3, "max_replicas": 2},
        {"replicas": 2, "argv": ("cart", "{port}")},
        {"replicas": 2, "port": 65530},
        {"port": 9000},
        {"metrics": "http://127.0.0.1:1/metrics"},
    ],
)
def test_wrong_declarations_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ProcessSpec.model_validate({"name": "cart", "argv": ("cart",), **wrong})


async def test_a_process_with_a_confusing_name_is_read_right(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to(sys.executable)
    process = await asyncio.create_subprocess_exec(str(program), "-c", "input()", stdin=asyncio.subprocess.PIPE)
    try:

        def loaded() -> ProcessStat | None:
            """While the kernel puts the program in the place of the one that forked, it has no memory at all."""
            stat = read_stat(process.pid)
            return stat if stat and stat.memory_bytes else None

        stat = await eventually(loaded)
        assert stat is not None
        assert not stat.suspended
        assert 0 <= stat.cpu_seconds < 60
    finally:
        process.kill()
        await process.wait()
    assert read_stat(process.pid) is None


def test_cpu_meter_measures_between_looks_and_ignores_hasty_ones() -> None:
    meter = CpuMeter()
    assert meter.look(100.0, 10.0) is None
    assert meter.look(100.5, 11.0) == pytest.approx(50.0)
    assert meter.look(100.6, 11.1) == pytest.approx(50.0)
    assert meter.look(101.5, 12.0) == pytest.approx(100.0)


def test_a_long_log_is_rotated_under_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "cart.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        assert not rotate(path, max_bytes=100)
        writer.write(b"y")
        assert rotate(path, max_bytes=100)
        writer.write(b"after")
    assert path.read_bytes() == b"after"
    assert (tmp_path / "cart.log.1").read_bytes() == b"x" * 100 + b"y"


def test_the_socket_has_one_owner_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with claim_socket(path):
        with pytest.raises(Conflict, match="another supervisor owns"), claim_socket(path):
            pass
        assert path.is_socket()
    assert not path.exists()
    with claim_socket(path):
        assert path.is_socket()


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="not a socket"), claim_socket(path):
        pass
    assert path.read_text() == "precious"


def test_a_socket_path_beyond_what_the_kernel_takes_is_refused_with_a_fix(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="longer than 107 bytes"), claim_socket(tmp_path / ("x" * 120) / "s.sock"):
        pass
    assert not list(tmp_path.iterdir())
