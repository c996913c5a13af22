"""What alerts, metrics, logs, spans and actuators are about."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from core.models.base import Autonomy, Model, Severity, Utc


class ServiceKind(StrEnum):
    """What a service is made of, as far as healing it is concerned."""

    STATELESS = "stateless"
    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"


class Identity(Model):
    """The names one service goes by in each system that knows it. Empty means: not known there."""

    alert_labels: dict[str, str] = Field(default={}, description="labels an alert must carry, all of them")
    prometheus: dict[str, str] = Field(default={}, description="labels of its series, such as job and instance")
    process: str = Field(default="", description="name under which `quell supervise` runs it")
    container: str = Field(default="", description="Docker container name")
    swarm_service: str = Field(default="", description="Swarm service name")
    otel_service_name: str = Field(default="", description="OpenTelemetry resource attribute service.name")
    loki: dict[str, str] = Field(default={}, description="Loki stream labels")
    log_file: str = Field(default="", description="path of a log file")


class AutonomyRule(Model):
    """Autonomy of one service, with exceptions by alert severity."""

    default: Autonomy | None = None
    by_severity: dict[Severity, Autonomy] = {}


class Service(Model):
    """One thing that can break and be healed."""

    name: str = Field(min_length=1, max_length=200)
    kind: ServiceKind = ServiceKind.STATELESS
    tier: int = Field(default=2, ge=1, le=4, description="1 is what users notice first")
    owner: str = ""
    dependencies: tuple[str, ...] = Field(default=(), description="names of the services it calls")
    protected: bool = Field(default=False, description="never acted on without a human")
    autonomy: AutonomyRule = AutonomyRule()
    identity: Identity = Identity()
    provenance: tuple[str, ...] = Field(
        default=(), description="where each part came from: config, process, scrape ..."
    )

    def autonomy_for(self, severity: Severity, fallback: Autonomy) -> Autonomy:
        """The autonomy that bounds a run of this severity."""
        return self.autonomy.by_severity.get(severity) or self.autonomy.default or fallback


class Resolution(Model):
    """The answer to: which service do these labels mean?"""

    service: str = Field(default="", description="empty when nothing, or more than one thing, matched")
    reason: str = Field(description="which rule matched, or why none did")
    candidates: tuple[str, ...] = ()


class RunState(StrEnum):
    """What the operating system or engine says of a service's processes."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    EXITED = "exited"
    MISSING = "missing"
    UNKNOWN = "unknown"


class ServiceState(Model):
    """A service as its actuator sees it at one instant."""

    service: str
    at: Utc
    state: RunState
    healthy: bool | None = Field(default=None, description="its own health check; None when it has none")
    health_detail: str = ""
    pid: int | None = None
    started_at: Utc | None = None
    exit_code: int | None = Field(default=None, description="negative: killed by that signal number")
    out_of_memory: bool = Field(default=False, description="its last process was killed at its limit of memory")
    restarts: int = 0
    replicas: int = 1
    release: str = ""
    previous_release: str = ""
    cpu_percent: float | None = Field(default=None, description="of one core, since the last look")
    memory_bytes: int | None = None
    actuator: str = ""


class Change(Model):
    """Something somebody changed: a suspect, never a verdict by itself."""

    service: str
    kind: str = Field(description="deploy, image, config, flag, commit, restart, start, stop, scale ...")
    at: Utc
    actor: str = ""
    before: str = ""
    after: str = ""
    detail: str = Field(default="", description="one line: the title of a commit, the outcome of an action")
    reference: str = Field(default="", description="how people name it: commit id, flag, ticket or release")
    text: str = Field(default="", description="what was changed, as a diff; bounded, secrets hidden")
    paths: tuple[str, ...] = Field(default=(), description="files that it touches")
    source: str = Field(default="", description="who told of it: git, a report; empty: the actuator")
