"""The supervisor's unix socket: one owner, readable by that user only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from core.errors import ConfigError, Conflict

MAX_PATH_BYTES = 107
"""`sun_path` of unix(7) without its closing zero."""


@contextlib.contextmanager
def claim_socket(path: Path) -> Iterator[socket.socket]:
    """Bind the socket with mode 0600 for as long as the context lasts; removes it at the end.

    A lock file beside it says who owns it, so the socket file of a supervisor that was killed is simply replaced.

    Raises:
        Conflict: another supervisor holds it.
        ConfigError: the path is too long, or something else than a socket lies there.
    """
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ConfigError(
            f"the socket path {path} is longer than {MAX_PATH_BYTES} bytes", fix="choose a data_dir with a shorter path"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"another supervisor owns {path}", fix="stop that one first, or choose another data_dir"
            ) from None
        _remove_stale(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
            before = os.umask(0o177)
            try:
                bound.bind(str(path))
            finally:
                os.umask(before)
            try:
                yield bound
            finally:
                path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"{path} exists and is not a socket", fix="move it away, or choose another data_dir")
        path.unlink()
