"""Replicas of a declared process: each has a number, from 1 on, and what the placeholders of the declaration become.

``{replica}`` is the number, ``{port}`` the group's first port plus the number minus one; both are in the environment of
the replica too, as REPLICA and PORT. A process that is no group has one replica without a number, written 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from clients.processes.client import SupervisorClient
from clients.processes.wire import HealthCheck, ProcessSpec, Release
from clients.scrape import ScrapeTarget
from core.errors import SourceError

ALONE = 0
"""The number of a process that is no group."""


def replica_name(process: str, number: int) -> str:
    """What a replica is called, in logs and by its log file; no declared process can have such a name."""
    return process if number == ALONE else f"{process}@{number}"


def replica_spec(spec: ProcessSpec, number: int) -> ProcessSpec:
    """The declaration of one replica as a process of its own."""
    if number == ALONE:
        return spec
    own = {"REPLICA": str(number), **({"PORT": str(spec.port + number - 1)} if spec.port else {})}

    def filled(text: str) -> str:
        return _filled(spec, number, text)

    def of_release(release: Release) -> Release:
        argv = tuple(map(filled, release.argv)) if release.argv else release.argv
        environment = {name: filled(value) for name, value in release.environment.items()}
        return release.model_copy(update={"argv": argv, "environment": environment})

    health: HealthCheck | None = spec.health and spec.health.model_copy(update={"url": filled(spec.health.url)})
    return spec.model_copy(
        update={
            "name": replica_name(spec.name, number),
            "argv": tuple(map(filled, spec.argv)),
            "environment": {**own, **{name: filled(value) for name, value in spec.environment.items()}},
            "releases": tuple(map(of_release, spec.releases)),
            "health": health,
            "replicas": None,
        }
    )


class ReplicaTargets:
    """The pages of metrics of the replicas that are to run now; those of the declaration until a supervisor answers.

    Args:
        jobs: label ``job`` of each group; its name unless given.
    """

    def __init__(self, specs: Iterable[ProcessSpec], jobs: Mapping[str, str], client: SupervisorClient) -> None:
        self._specs = {spec.name: spec for spec in specs if spec.replicas and spec.metrics}
        self._jobs = jobs
        self._client = client
        self._numbers = {name: tuple(range(1, (spec.replicas or 0) + 1)) for name, spec in self._specs.items()}

    def known(self) -> tuple[ScrapeTarget, ...]:
        """As of the last look."""
        return tuple(
            self._target(spec, number) for name, spec in self._specs.items() for number in self._numbers.get(name, ())
        )

    async def look(self) -> tuple[ScrapeTarget, ...]:
        """As of now; a supervisor that does not answer changes nothing."""
        if self._specs:
            with suppress(SourceError):
                self._numbers = (await self._client.status()).replicas
        return self.known()

    def _target(self, spec: ProcessSpec, number: int) -> ScrapeTarget:
        job = self._jobs.get(spec.name, spec.name)
        return ScrapeTarget(url=_filled(spec, number, spec.metrics), labels={"job": job})


def replica_logs(folder: Path, process: str) -> list[Path]:
    """Logs of all replicas that a group has had, in a folder of logs."""
    return sorted(folder.glob(f"{process}@*.log"))


def _filled(spec: ProcessSpec, number: int, text: str) -> str:
    port = str(spec.port + number - 1) if spec.port else ""
    return text.replace("{port}", port).replace("{replica}", str(number))
