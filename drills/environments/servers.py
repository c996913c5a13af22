"""The servers that a drill, or a test, starts beside the shop: which programs, and with which arguments."""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
from pathlib import Path

from core.errors import ConfigError

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
