"""A real Docker Engine with Swarm, as `drills.environments.dockerd` starts it, for the tests of a module."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]  # the SDK ships no types
import pytest
from docker.errors import DockerException  # type: ignore[import-untyped]  # as above

from drills.environments.dockerd import ENGINE_LOCK, START_SECONDS, STOP_SECONDS, Dockerd, try_engine_lock
from drills.environments.servers import host_binds as host_binds
from drills.environments.servers import root_folder
from drills.ports import free_port
from tests.servers.process import Server, binary, running_servers

IMAGE = "quell.test/base"
RELEASES = ("v1", "v2")
LOCK_SECONDS = 200.0


@dataclass
class DockerEngine:
    """A running engine.

    Attributes:
        folder: its data, its socket and its log.
        api: the SDK's client without any guard, for what pipelines and people do.
    """

    folder: Path
    swarm_port: int
    dockerd: Dockerd = field(init=False)
    _server: Server | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.dockerd = Dockerd(self.folder)

    @property
    def url(self) -> str:
        """What a user would write as DOCKER_HOST."""
        return self.dockerd.url

    @property
    def api(self) -> Any:
        return docker.DockerClient(base_url=self.url, timeout=60)

    def start(self) -> None:
        """Start it, and wait until it answers. For the main thread: the engine ends with the thread that started it."""
        self._server = Server("dockerd", self.url, self.folder, self.dockerd.spawn())
        running_servers.append(self._server)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert time.monotonic() < deadline, f"dockerd is not ready:\n{self._server.log}"
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether it is ready."""
        return self.dockerd.answers()

    def kill(self) -> None:
        """SIGKILL: its containers live on until it is started again; its containerd ends with it, a moment later."""
        self._end(signal.SIGKILL)
        containerd = (self.folder / "run/containerd/containerd.pid").read_text()
        deadline = time.monotonic() + STOP_SECONDS
        while Path(f"/proc/{containerd}").exists():
            assert time.monotonic() < deadline, f"containerd {containerd} lives on"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, its containers with it."""
        self._end(signal.SIGTERM)

    def clear(self) -> None:
        """Remove all containers and services, whatever a test left."""
        with contextlib.closing(self.api) as api:
            for service in api.services.list():
                service.remove()
            deadline = time.monotonic() + START_SECONDS
            while containers := api.containers.list(all=True):
                for container in containers:
                    with contextlib.suppress(DockerException):
                        container.remove(force=True, v=True)
                assert time.monotonic() < deadline, f"containers that cannot be removed: {containers}"
            api.networks.prune()

    def _end(self, number: signal.Signals) -> None:
        self.dockerd.end(number)
        if self._server is not None:
            running_servers.remove(self._server)
            self._server = None


def import_image(api: Any, release: str, repository: str = IMAGE, *, labels: Mapping[str, str] | None = None) -> str:
    """Make an image that knows its release as the variable RELEASE; returns its id."""
    changes = [f"ENV RELEASE={release}", "ENV PATH=/usr/local/bin:/usr/bin:/bin"]
    changes += [f"LABEL {name}={value}" for name, value in (labels or {}).items()]
    api.api.import_image_from_data(root_folder(), repository=repository, tag=release, changes=changes)
    return str(api.images.get(f"{repository}:{release}").id)


@contextlib.contextmanager
def docker_engine_running() -> Iterator[DockerEngine]:
    """An engine that manages a swarm of itself, with `IMAGE` in each of `RELEASES`; it ends with the block.

    Its folder stays when the block failed, for its log.
    """
    binary("dockerd", package="docker.io")
    if os.geteuid() != 0:
        pytest.skip("dockerd needs root")
    with _only_one():
        folder = Path(tempfile.mkdtemp(prefix="quell-docker-"))
        engine = DockerEngine(folder, free_port())
        try:
            engine.start()
            with contextlib.closing(engine.api) as api:
                for release in RELEASES:
                    import_image(api, release)
                listen = f"127.0.0.1:{engine.swarm_port}"
                api.swarm.init(advertise_addr="127.0.0.1", listen_addr=listen)
            yield engine
            engine.clear()
        finally:
            engine.stop()
            engine.dockerd.clean()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def docker_engine_of_module() -> Iterator[DockerEngine]:
    """One engine for the tests of a module; another test run on the machine gets its turn between two modules."""
    with docker_engine_running() as engine:
        yield engine


@pytest.fixture
def docker_engine(docker_engine_of_module: DockerEngine) -> Iterator[DockerEngine]:
    """The engine, without containers or services before and after the test."""
    if not docker_engine_of_module.answers():
        docker_engine_of_module.start()
    docker_engine_of_module.clear()
    yield docker_engine_of_module
    if docker_engine_of_module.answers():
        docker_engine_of_module.clear()


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Wait for the engine of another test run, or of a drill, to end."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        with try_engine_lock() as held:
            if held:
                yield
                return
        assert time.monotonic() < deadline, f"another test run holds {ENGINE_LOCK}: it runs its own dockerd"
        time.sleep(0.5)
