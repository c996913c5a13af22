"""What a process is declared as in quell.yaml, and what client and supervisor say to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from core.models import ActionOutcome, Model, Utc

ACTIONS = ("restart", "start", "stop", "rollback", "scale")
"""What the actuator may ask for; `deploy` is left to humans and pipelines."""


MOST_PORT = 65535


class Release(Model):
    """One version of a process: what differs from the others."""

    version: str = Field(min_length=1)
    argv: tuple[str, ...] | None = Field(default=None, description="instead of the process's argv")
    environment: dict[str, str] = Field(default={}, description="over the process's environment")


class HealthCheck(Model):
    """A page that answers 2xx while the process is well."""

    url: str
    timeout_seconds: float = Field(default=1.0, gt=0)
    start_seconds: float = Field(default=10.0, gt=0, description="how long a fresh process may take to become healthy")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError("write the whole address, such as http://127.0.0.1:9000/healthz")
        return url


class ProcessSpec(Model):
    """One entry of `processes` in quell.yaml."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100, description="also names its log file")
    argv: tuple[str, ...] = Field(min_length=1, description="program and arguments; no shell reads them")
    environment: dict[str, str] = Field(default={}, description="all that the process sees, besides PATH and LANG")
    working_directory: Path | None = None
    releases: tuple[Release, ...] = ()
    release: str = Field(default="", description="version that runs; needed when releases are declared")
    health: HealthCheck | None = None
    stop_grace_seconds: float = Field(default=5.0, ge=0, description="between SIGTERM and SIGKILL")
    replicas: int | None = Field(
        default=None, ge=1, description="run so many of it; {replica} and {port} stand for its number and its port"
    )
    max_replicas: int = Field(default=10, ge=1, le=100, description="more are never run, whoever asks")
    port: int | None = Field(default=None, ge=1, le=65535, description="of replica 1; each further one has the next")
    metrics: str = Field(default="", description="address of the /metrics page of each replica, such as with {port}")

    @model_validator(mode="after")
    def _replicas_fit(self) -> Self:
        if self.replicas is None:
            if self.port is not None or self.metrics:
                raise ValueError("port and metrics are those of replicas: declare replicas, or leave them out")
            return self
        if self.replicas > self.max_replicas:
            raise ValueError(f"replicas is more than max_replicas ({self.max_replicas})")
        places = [*self.argv, *self.environment.values(), self.metrics, self.health.url if self.health else ""]
        if self.port is None and any("{port}" in place for place in places):
            raise ValueError("{port} is used: give port, that of replica 1")
        if self.port is not None and self.port + self.max_replicas - 1 > MOST_PORT:
            raise ValueError(f"replica {self.max_replicas} would need a port above {MOST_PORT}")
        return self

    @model_validator(mode="after")
    def _release_is_declared(self) -> Self:
        versions = [release.version for release in self.releases]
        if len(set(versions)) != len(versions):
            raise ValueError("two releases have the same version")
        if versions and self.release not in versions:
            raise ValueError(f"release must be one of {', '.join(versions)}")
        if self.release and not versions:
            raise ValueError("release is given, but no releases are declared")
        if any(release.argv == () for release in self.releases):
            raise ValueError("argv of a release must not be empty")
        return self


class ActionRequest(Model):
    """One thing to do, once per key."""

    key: str = Field(min_length=1, max_length=200)
    action: str = Field(description="restart, start, stop, rollback, scale or deploy")
    process: str
    parameters: dict[str, str] = {}
    actor: str = "quell"


class ActionRecord(Model):
    """What the supervisor's journal holds of a request; no outcome yet means it is under way."""

    request: ActionRequest
    begun_at: Utc
    target: str = Field(default="", description="release that runs when it is done")
    outcome: ActionOutcome | None = None


class SupervisorStatus(Model):
    """The supervisor about itself."""

    pid: int
    version: str
    started_at: Utc
    journal_since: Utc = Field(description="actions before this time are unknown to the journal")
    processes: tuple[str, ...]
    replicas: dict[str, tuple[int, ...]] = Field(default={}, description="numbers of those that are to run, by group")


class Refusal(Model):
    """Body of every error response."""

    error: str
    fix: str = ""
