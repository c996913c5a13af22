"""A real server as a child process: a free port, a folder of its own, readiness, and its log when something fails."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
LOG_TAIL_BYTES = 8000

running_servers: list[Server] = []
"""Those alive now: the report of a failing test shows the end of their logs."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: its address, without a slash at the end.
        folder: its data and its `log`, kept as long as pytest keeps temporary folders.
    """

    name: str
    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """The end of what it wrote."""
        return (self.folder / "log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def stop(self) -> None:
        """End it: asked first, killed when it does not listen."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


def binary(*names: str, package: str) -> str:
    """The first program of those names; its absence is an error where tests are promised to run in full."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no {' or '.join(names)} on the path: apt-get install {package}"
        if os.environ.get("CI") == "true" or os.environ.get("TEST_INSTALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextlib.contextmanager
def serving(name: str, command: Sequence[str], *, port: int, ready_path: str, folder: Path) -> Iterator[Server]:
    """Start a server and wait until it is ready; it ends with the block."""
    with (folder / "log").open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder)
    server = Server(name, f"http://127.0.0.1:{port}", folder, process)
    running_servers.append(server)
    try:
        _wait(server, f"{server.url}{ready_path}")
        yield server
    except BaseException as error:
        error.add_note(f"log of {name} in {folder}:\n{server.log}")
        raise
    finally:
        server.stop()
        running_servers.remove(server)


def _wait(server: Server, ready_url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(ready_url):
        assert server.process.poll() is None, f"{server.name} ended:\n{server.log}"
        assert time.monotonic() < deadline, f"{server.name} is not ready:\n{server.log}"
        time.sleep(0.05)


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2):
            return True
    except OSError:
        return False
