"""A real PostgreSQL with a password, and databases of a test's own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from app.supervisor.lifeline import die_with_parent
from drills.ports import free_port
from tests.servers.process import READY_SECONDS, STOP_SECONDS, Server, binary, running_servers

PASSWORD = "s3cret-of-postgres"
USER = "quell"
DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version, apart from the path."""


@dataclass
class Postgres:
    """A server that can be killed and begun again on the same data and port."""

    programs: Path
    folder: Path
    port: int
    _server: Server | None = field(default=None, init=False)

    def url(self, database: str) -> str:
        """What a user would write as DATABASE_URL."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the owner of the server, each by itself."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def create(self, template: str = "template0") -> str:
        """Make a database, as a copy of another one that nobody is connected to; returns its name."""
        name = f"test_{uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database and whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "log_checkpoints": "off",
            "fsync": "off",  # a killed server loses nothing by it, only a machine would
        }
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data")]
        command += [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self._server is None or self._server.process.poll() is not None:  # the last one's children still end
                self._spawn(command)
            assert time.monotonic() < deadline, f"postgres is not ready:\n{self._log}"
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL; its children follow by themselves."""
        assert self._server is not None
        self._server.process.kill()
        self.stop()

    def stop(self) -> None:
        """End it without waiting for its clients."""
        if self._server is None:
            return
        process = self._server.process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
        running_servers.remove(self._server)
        self._server = None

    @property
    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _spawn(self, command: Sequence[str]) -> None:
        if self._server is not None:
            running_servers.remove(self._server)
        with (self.folder / "log").open("ab") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - it takes no lock
                **unprivileged(),
            )
        self._server = Server("postgres", f"postgresql://127.0.0.1:{self.port}", self.folder, process)
        running_servers.append(self._server)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def unprivileged() -> dict[str, str]:
    """Arguments of a child process: PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A server with an empty cluster, which ends with the block; its folder stays when it could not be stopped.

    The folder is no `tmp_path`, which the user that PostgreSQL runs as may not enter.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="quell-postgres-"))
    if user := unprivileged().get("user"):
        shutil.chown(folder, user, user)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if user:
        shutil.chown(secret, user, user)
    made = subprocess.run(
        [
            programs / "initdb",
            f"--pgdata={folder / 'data'}",
            f"--username={USER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        **unprivileged(),
    )
    assert made.returncode == 0, made.stderr
    server = Postgres(programs, folder, free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One server for all tests that leave it as it is."""
    with postgres() as server:
        yield server


def _programs() -> Path:
    """The folder of the newest version that is installed."""
    found = sorted(DEBIAN_PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else Path(binary("initdb", package="postgresql")).parent
