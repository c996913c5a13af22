"""A Docker Engine of one's own: dockerd on a socket and data root in a folder, one a machine.

There is no registry: images are imported from a tar that holds links and empty folders only (`root_folder`), and
containers see the host's programs through read-only mounts (`host_binds`). Calls here are short; waiting is left to
the caller, which may be an event loop or a fixture.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker  # type: ignore[import-untyped]  # the SDK ships no types
from docker.errors import DockerException  # type: ignore[import-untyped]  # as above

from app.supervisor.lifeline import die_with_parent
from core.errors import ConfigError, SourceUnavailable
from drills.environments.servers import find_program

START_SECONDS = 60.0
STOP_SECONDS = 20.0
"""What an engine gets to end its containers."""

ENGINE_LOCK = Path(tempfile.gettempdir()) / "quell-test-dockerd.lock"
"""Held by whoever runs a Docker Engine of its own: two of them would fight for bridges and firewall rules."""

BRIDGES = ("docker0", "docker_gwbridge")
"""Network interfaces that an engine leaves behind."""

_PING_SECONDS = 5.0


@contextmanager
def try_engine_lock() -> Iterator[bool]:
    """Whether no other engine of a test or a drill runs; if so none can start until the block ends."""
    with ENGINE_LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


class Dockerd:
    """An engine that can be killed and begun again on the same data. Hold the lock while it may run.

    Args:
        folder: of its data, its socket, its state and its log.

    Raises:
        ConfigError: no dockerd is installed, or it may not be started.
    """

    def __init__(self, folder: Path) -> None:
        self._program = find_program("dockerd", package="docker.io")
        if os.geteuid() != 0:
            raise ConfigError("dockerd needs root", fix="name a running engine with --engine or DOCKER_HOST")
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self._bridges = _bridges()

    @property
    def url(self) -> str:
        """Where it listens, as in DOCKER_HOST."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def log_path(self) -> Path:
        """What it writes."""
        return self.folder / "log"

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it. For the main thread: the kernel asks it to end, its containers first, when that thread does."""
        command = [
            self._program,
            f"--host={self.url}",
            f"--data-root={self.folder / 'data'}",
            f"--exec-root={self.folder / 'run'}",
            f"--pidfile={self.folder / 'pid'}",
        ]
        environment = {"PATH": f"{os.defpath}:/usr/local/sbin:/usr/sbin:/sbin", "HOME": str(self.folder)}
        with self.log_path.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603  # no part of it is from outside
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  # it takes no lock
            )
        return self.process

    def answers(self) -> bool:
        """Whether it is ready.

        Raises:
            SourceUnavailable: it has ended; tells the last line that it wrote.
        """
        if self.process is not None and self.process.poll() is not None:
            written = self.log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            last = written[-1] if written else "no output"
            raise SourceUnavailable(f"dockerd ended with code {self.process.returncode}: {last}")
        with socket.socket(socket.AF_UNIX) as probe:  # the SDK leaves a socket open that nobody listens on
            if probe.connect_ex(str(self.folder / "docker.sock")):
                return False
        try:
            with contextlib.closing(docker.DockerClient(base_url=self.url, timeout=_PING_SECONDS)) as api:
                return bool(api.ping())
        except (DockerException, OSError):
            return False

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal and wait until it has ended, `STOP_SECONDS` at most; SIGKILL after that."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def clean(self) -> None:
        """Remove what it left: processes that name its folder, mounts in it, interfaces that it made."""
        for process in Path("/proc").iterdir():
            if not process.name.isdigit() or int(process.name) == os.getpid():
                continue
            with suppress(OSError):
                if str(self.folder).encode() in (process / "cmdline").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
        mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
        for point in sorted((each for each in mounted if each.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "--lazy", point], check=False)  # noqa: S603, S607  # a mount point of this folder
        for interface in sorted(_bridges() - self._bridges):
            command = ["ip", "link", "delete", interface]
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603  # one of `BRIDGES`


def _bridges() -> set[str]:
    return {name for name in BRIDGES if Path(f"/sys/class/net/{name}").exists()}
