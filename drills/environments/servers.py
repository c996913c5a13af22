"""The servers that a drill, or a test, starts beside the shop: which programs, and with which arguments."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import ConfigError

ENGINE_LOCK = Path(tempfile.gettempdir()) / "quell-test-dockerd.lock"
"""Held by whoever runs a Docker Engine of its own: two of them would fight for bridges and firewall rules."""

BRIDGES = ("docker0", "docker_gwbridge")
"""Network interfaces that an engine leaves behind."""

_LINKS = ("bin", "lib", "lib64")
# /sbin is no link into the read-only /usr: the engine mounts its init process there.
_FOLDERS = ("usr", "sbin", "etc", "tmp", "proc", "sys", "dev", "root", "run", "var", "work")
_PROJECT = Path(__file__).resolve().parents[2]


def find_program(*names: str, package: str) -> str:
    """Path of the first program of those names.

    Raises:
        ConfigError: none of them is installed.
    """
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        raise ConfigError(f"no {' or '.join(names)} on the path", fix=f"apt-get install {package}")
    return found


def prometheus_command(program: str, folder: Path, port: int) -> list[str]:
    """A Prometheus with ``<folder>/prometheus.yml`` that keeps its data in the folder."""
    return [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
    ]


def alertmanager_command(program: str, folder: Path, port: int) -> list[str]:
    """An Alertmanager of its own, no member of any cluster, with ``<folder>/alertmanager.yml``."""
    return [
        program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


def dockerd_command(program: str, folder: Path) -> list[str]:
    """A Docker Engine whose data, socket and state lie in the folder."""
    return [
        program,
        f"--host={engine_url(folder)}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'run'}",
        f"--pidfile={folder / 'pid'}",
    ]


def engine_url(folder: Path) -> str:
    """Where the engine of `dockerd_command` listens."""
    return f"unix://{folder}/docker.sock"


def host_binds(*, python: bool = False) -> list[str]:
    """Read-only mounts of the host's programs; with Python also interpreter, environment and this project."""
    interpreter = Path(sys.executable).resolve().parents[1]
    paths = [Path("/usr")]
    if python:
        paths += [path for path in (interpreter, Path(sys.prefix), _PROJECT) if not path.is_relative_to("/usr")]
    return [f"{path}:{path}:ro" for path in dict.fromkeys(paths)]


def root_folder() -> bytes:
    """A tar to import as an image, as there is no registry to pull from: links into /usr, and folders to mount on."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in _FOLDERS:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        for name in _LINKS:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
    return buffer.getvalue()


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


def bridges() -> set[str]:
    """Interfaces of engines that are there now."""
    return {name for name in BRIDGES if Path(f"/sys/class/net/{name}").exists()}


def clean_after_engine(folder: Path, made: Sequence[str]) -> None:
    """Remove what an engine that ended left: processes that name its folder, mounts in it, interfaces that it made."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        with suppress(OSError):
            if str(folder).encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    for point in sorted((each for each in mounted if each.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", point], check=False)  # noqa: S603, S607  # a mount point of this folder
    for interface in made:
        command = ["ip", "link", "delete", interface]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603  # one of `BRIDGES`
