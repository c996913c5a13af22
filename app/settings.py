"""Everything that can be configured, and the only place that reads the environment.

Layers, each over the one before: defaults, ``quell.yaml``, the environment (``QUELL_*`` with ``__`` between levels,
and the names of `FOREIGN_NAMES` that users already have), flags. Settings of an integration are defined beside it and
composed here. Secrets are given as they are or as ``file:/path/to/secret``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, SecretStr, Tag, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from agents.data_policy import DataPolicy
from alerting.registry import NotifySettings
from analysis.config import AnalysisConfig
from app.configuration.layers import ENVIRONMENT_PREFIX, Layer, Origin, merge, read_file
from app.configuration.problems import Examination, problems, unknown_variables
from app.configuration.secret_files import resolve_references
from app.models.budget import BudgetSettings
from app.server.settings import ServerSettings
from app.worker_settings import WorkerSettings
from clients.alertmanager import AlertmanagerSettings
from clients.changes.settings import ChangeSettings
from clients.docker.settings import DockerSettings
from clients.logfiles import LogSettings
from clients.loki.settings import LokiSettings
from clients.models.settings import ModelsSettings
from clients.processes.wire import ProcessSpec
from clients.prometheus.settings import PrometheusSettings
from clients.scrape import ScrapeSettings
from clients.spans import SpanSettings
from clients.tempo import TempoSettings
from core.clock import Clock, clock_ahead
from core.errors import ConfigError
from core.models import Autonomy, AutonomyRule, Model, Service
from events.correlation import CorrelationSettings
from events.feedback import FeedbackSettings
from events.watched import WatchSettings
from remediation.policy import ActionPolicy, default_policy, load_policy
from remediation.verification import VerificationSettings
from stores.database import checkpoints_url
from tools.history import BaselineSettings
from tools.signals import SignalSpec

DEFAULT_FILE = "quell.yaml"
CONFIG_VARIABLE = "QUELL_CONFIG"
DEBUG_VARIABLE = "QUELL_DEBUG"
DATA_VARIABLE = "QUELL_DATA"
FOREIGN_NAMES: dict[str, tuple[str, ...]] = {
    "DATABASE_URL": ("database_url",),
    "PROMETHEUS_URL": ("prometheus", "url"),
    "LOKI_URL": ("loki", "url"),
    "ALERTMANAGER_URL": ("alertmanager", "url"),
    "DOCKER_HOST": ("docker", "url"),
    "OLLAMA_API_BASE": ("models", "local", "url"),
    "OLLAMA_BASE_URL": ("models", "local", "url"),
    "OLLAMA_HOST": ("models", "local", "url"),
    "OPENAI_API_KEY": ("models", "frontier", "bearer_token"),
    "OPENAI_BASE_URL": ("models", "frontier", "url"),
}
"""Environment variables that users already have, and the path of the setting that each one means; the last counts."""


class PolicyFile(Model):
    """An action policy kept in a file of its own."""

    file: str = Field(default="", description="path of a policy file; empty: the policy that ships with Quell")


class WrittenService(Service):
    """A service as quell.yaml may write it: ``autonomy: act`` is short for ``autonomy: {default: act}``."""

    autonomy: AutonomyRule | Autonomy = AutonomyRule()  # type: ignore[assignment] # wider on purpose: it only describes the input


def _spell_out_autonomy(value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("autonomy"), str):
        return {**value, "autonomy": {"default": value["autonomy"]}}
    return value


def _policy_form(value: Any) -> Literal["file", "inline"]:
    if isinstance(value, Mapping):
        return "file" if not value or "file" in value else "inline"
    return "file" if isinstance(value, PolicyFile) else "inline"


ServiceEntry = Annotated[Service, BeforeValidator(_spell_out_autonomy, json_schema_input_type=WrittenService)]
PolicyEntry = Annotated[
    Annotated[PolicyFile, Tag("file")] | Annotated[ActionPolicy, Tag("inline")], Discriminator(_policy_form)
]


class Settings(BaseSettings):
    """quell.yaml with the environment and flags over it. Frozen; build it with `load`, or directly in tests."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    data_dir: Path = Field(
        default=Path(".quell"), description="database, checkpoints, token, metrics snapshot, logs, supervisor socket"
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="postgresql://USER:PASSWORD@HOST/DATABASE, or empty: SQLite in <data_dir>/quell.db; "
        "DATABASE_URL is accepted too",
    )
    autonomy: Autonomy = Field(default=Autonomy.PROPOSE, description="for services that do not say it themselves")
    dry_run: bool = Field(default=False, description="decide everything, carry out nothing")
    clock_offset_seconds: float = Field(
        default=0.0, description="added to the machine's time; drills pretend business hours with it"
    )
    server: ServerSettings = ServerSettings()
    services: tuple[ServiceEntry, ...] = Field(default=(), description="added to, and over, what is discovered")
    processes: tuple[ProcessSpec, ...] = Field(default=(), description="owned by `quell supervise`")
    scrape: ScrapeSettings = ScrapeSettings()
    logs: LogSettings = LogSettings()
    prometheus: PrometheusSettings = PrometheusSettings()
    loki: LokiSettings = LokiSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    tempo: TempoSettings = TempoSettings()
    traces: SpanSettings = SpanSettings()
    changes: ChangeSettings = ChangeSettings()
    docker: DockerSettings = DockerSettings()
    models: ModelsSettings = ModelsSettings()
    budget: BudgetSettings = BudgetSettings()
    privacy: DataPolicy = DataPolicy()
    discovery_seconds: float = Field(
        default=60.0, gt=0, description="between looks at what runs: engine, targets, spans"
    )
    analysis: AnalysisConfig = AnalysisConfig()
    baselines: BaselineSettings = BaselineSettings()
    signals: tuple[SignalSpec, ...] = Field(default=(), description="empty: names as prometheus-client writes them")
    watch: WatchSettings = WatchSettings()
    correlation: CorrelationSettings = CorrelationSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    verification: VerificationSettings = VerificationSettings()
    worker: WorkerSettings = WorkerSettings()
    policy: PolicyEntry = PolicyFile()
    notify: NotifySettings = NotifySettings()

    _root: Path = PrivateAttr(default_factory=Path.cwd)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Building settings directly reads nothing from outside; `examine` joins the layers."""
        return (init_settings,)

    @classmethod
    def load(cls, path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Self:
        """Read quell.yaml, the environment and flags.

        Args:
            path: the file; None looks for ``QUELL_CONFIG``, then ``quell.yaml`` here, then takes the defaults.
            overrides: flags, nested like quell.yaml.

        Raises:
            ConfigError: names the file, the key, what is wrong and the fix of the first problem, and how many follow.
        """
        return cls.examine(path, overrides).require()

    @classmethod
    def examine(cls, path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Examination[Self]:
        """As `load`, but with all problems, and with the layers that each value came from.

        Raises:
            ConfigError: the file cannot be read or is no YAML, or a variable that must hold JSON does not.
        """
        file = config_file(path)
        layers = [Layer(Origin.FILE, str(file), read_file(file))] if file else []
        layers.append(Layer(Origin.ENVIRONMENT, "environment", environment_layer()))
        layers.append(Layer(Origin.FLAG, "flag", overrides or {}))
        found = unknown_variables(environment_names(), tuple(cls.model_fields))
        try:
            settings = cls(**merge(layers)).rooted(file.resolve().parent if file else Path.cwd())
            settings, unreadable = resolve_references(settings, settings.path)
        except ValidationError as error:
            return Examination(None, (*found, *problems(error, cls, layers)), tuple(layers))
        return Examination(settings, (*found, *unreadable), tuple(layers))

    def rooted(self, root: Path) -> Self:
        """The same settings with relative paths meant from `root`, the folder of the file they were read from."""
        copy = self.model_copy()
        copy._root = root
        return copy

    def path(self, relative: str | Path) -> Path:
        """An absolute path: relative ones are meant from the folder of quell.yaml, ``~`` is expanded."""
        return (self._root / Path(relative).expanduser()).resolve()

    @property
    def clock(self) -> Clock:
        """The time that every process with these settings agrees on."""
        return clock_ahead(self.clock_offset_seconds)

    @property
    def data_path(self) -> Path:
        """`data_dir`, absolute."""
        return self.path(self.data_dir)

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store; holds a password when the user gave one: never log it."""
        return self.database_url.get_secret_value() or f"sqlite+aiosqlite:///{self.data_path / 'quell.db'}"

    @property
    def action_policy(self) -> ActionPolicy:
        """The policy that applies: written inline, read from its file, or the one that ships with Quell.

        Raises:
            PolicyFileError: the file cannot be read or is wrong.
        """
        if isinstance(self.policy, ActionPolicy):
            return self.policy
        return load_policy(self.path(self.policy.file)) if self.policy.file else default_policy()

    @property
    def checkpoints_url(self) -> str:
        """Where the graph's checkpoints are: beside the store's file, or in the same database of a server.

        Raises:
            ConfigError: `database_url` names no supported database.
        """
        return checkpoints_url(self.store_url)

    @property
    def token_path(self) -> Path:
        """File of the API token."""
        return self.data_path / "token"

    @property
    def snapshot_path(self) -> Path:
        """File in which the scrape buffer keeps its history."""
        return self.data_path / "metrics.npz"

    @property
    def logs_path(self) -> Path:
        """Folder of the logs of supervised processes."""
        return self.data_path / "logs"

    @property
    def socket_path(self) -> Path:
        """Unix socket of `quell supervise`."""
        return self.data_path / "supervisor.sock"


def environment_layer() -> dict[str, Any]:
    """What ``QUELL_*`` and the foreign names set, nested like quell.yaml.

    Raises:
        ConfigError: a variable that must hold JSON does not.
    """
    named = [_nested(path, value) for name, path in FOREIGN_NAMES.items() if (value := os.environ.get(name))]
    try:
        values = [*named, EnvSettingsSource(Settings)()]
        return merge([Layer(Origin.ENVIRONMENT, "environment", each) for each in values])
    except SettingsError as error:
        raise ConfigError(f"environment: {error}", fix="write lists and mappings as JSON, or use quell.yaml") from None


def _nested(path: tuple[str, ...], value: str) -> dict[str, Any]:
    section, *rest = path
    return {section: _nested(tuple(rest), value) if rest else value}


def environment_names() -> tuple[str, ...]:
    """Names of the ``QUELL_*`` variables that are set, without those that are no settings."""
    reserved = {CONFIG_VARIABLE, DEBUG_VARIABLE, DATA_VARIABLE}
    return tuple(sorted(name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX) and name not in reserved))


def config_file(path: Path | None) -> Path | None:
    """The file that is meant: the one given, ``QUELL_CONFIG``, or ``quell.yaml`` here when there is one."""
    if path is not None:
        return path
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    here = Path(DEFAULT_FILE)
    return here if here.exists() else None


def debug_requested() -> bool:
    """Whether ``QUELL_DEBUG`` asks for details; works when the settings themselves cannot be read."""
    return os.environ.get(DEBUG_VARIABLE, "").lower() in {"1", "true", "yes", "on"}


def benchmark_data() -> Path:
    """Folder of the public incident data: ``QUELL_DATA``, or ``~/.cache/quell/data``."""
    return Path(os.environ.get(DATA_VARIABLE) or Path.home() / ".cache/quell/data")
