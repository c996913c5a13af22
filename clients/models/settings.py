"""The `models` section of quell.yaml: which models are asked, where, and how long they may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from clients.connection import ConnectionSettings
from core.llm import ModelTask
from core.models import Model

OPENAI_URL = "https://api.openai.com/v1"
OLLAMA_PORT = 11434
Bucket = Literal[4096, 8192, 16384, 32768]

LOCAL_DEADLINES: dict[ModelTask, float] = {
    ModelTask.CLASSIFICATION: 2.0,
    ModelTask.ANOMALY: 0.5,
    ModelTask.RCA: 30.0,
    ModelTask.PLANNING: 30.0,
    ModelTask.LOG_CLASSIFICATION: 2.0,
    ModelTask.SUMMARY: 60.0,
    ModelTask.VERIFICATION: 10.0,
}
FRONTIER_DEADLINES: dict[ModelTask, float] = {
    ModelTask.CLASSIFICATION: 10.0,
    ModelTask.ANOMALY: 10.0,
    ModelTask.RCA: 60.0,
    ModelTask.PLANNING: 60.0,
    ModelTask.LOG_CLASSIFICATION: 10.0,
    ModelTask.SUMMARY: 60.0,
    ModelTask.VERIFICATION: 30.0,
}


class ModelChoice(Model):
    """Which model is wanted: by agent, else the urgent one, else by task, else the default."""

    default: str = Field(description="for tasks that name no other")
    urgent: str = Field(default="", description="for critical incidents; empty: as by task")
    tasks: dict[ModelTask, str] = Field(default={}, description="task -> model")
    agents: dict[str, str] = Field(default={}, description="agent's name -> model, over urgency and task")

    def wanted(self, task: ModelTask, *, urgent: bool = False, agent: str = "") -> str:
        """The model for that task, urgency and agent."""
        if agent in self.agents:
            return self.agents[agent]
        if urgent and self.urgent:
            return self.urgent
        return self.tasks.get(task, self.default)

    @property
    def named(self) -> tuple[str, ...]:
        """Every model that may be wanted, the default first, each once."""
        names = (self.default, *self.tasks.values(), self.urgent, *self.agents.values())
        return tuple(dict.fromkeys(name for name in names if name))


class ModelServerSettings(ConnectionSettings):
    """What both rungs have."""

    deadlines: dict[ModelTask, float] = Field(default={}, description="task -> seconds for the whole answer")
    attempts: int = Field(default=3, ge=1, le=10, description="tries of one request while the server is overloaded")
    failures_to_open: int = Field(default=3, ge=1, description="failures in a row after which it is left alone")
    open_seconds: float = Field(default=30.0, gt=0, description="that long; then one request tries it again")
    temperature: float | None = Field(default=0.0, ge=0, le=2, description="null: not sent, for models that refuse it")
    seed: int | None = Field(default=1, description="null: not sent")

    @field_validator("deadlines")
    @classmethod
    def _are_positive(cls, given: dict[ModelTask, float]) -> dict[ModelTask, float]:
        if any(seconds <= 0 for seconds in given.values()):
            raise ValueError("a deadline must be above 0 seconds")
        return given


class LocalSettings(ModelServerSettings):
    """Models on Ollama. Environment: OLLAMA_HOST, OLLAMA_BASE_URL or OLLAMA_API_BASE is the address."""

    choice: ModelChoice = Field(
        default=ModelChoice(
            default="mistral:7b",
            urgent="phi3:mini",
            tasks={ModelTask.ANOMALY: "mistral:7b", ModelTask.LOG_CLASSIFICATION: "phi3:medium"},
        ),
        description="what is not pulled falls back to what is",
    )
    deadlines: dict[ModelTask, float] = Field(default=LOCAL_DEADLINES, description="task -> seconds")
    max_context_tokens: Bucket = Field(default=32768, description="largest context that is asked for; costs memory")
    keep_alive: str = Field(default="30m", pattern=r"^-?\d+(s|m|h)?$", description="how long a model stays loaded")
    load_seconds: float = Field(default=180.0, gt=0, description="for loading a model when latency is measured")

    @field_validator("url", mode="before")
    @classmethod
    def _as_ollama_writes_it(cls, url: Any) -> Any:
        """``OLLAMA_HOST`` may be ``host``, ``host:port`` or ``0.0.0.0``, which a client cannot dial."""
        if not isinstance(url, str) or not url:
            return url
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = "127.0.0.1" if parts.hostname in (None, "0.0.0.0") else parts.hostname  # noqa: S104  # never bound
        host = f"[{host}]" if host and ":" in host else host
        default = OLLAMA_PORT if "://" not in url or (parts.scheme == "http" and parts.hostname is None) else None
        port = parts.port or default
        path = parts.path.rstrip("/").removesuffix("/v1").removesuffix("/api")  # as other programs want the address
        return f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}"

    @field_validator("deadlines")
    @classmethod
    def _over_the_defaults(cls, given: dict[ModelTask, float]) -> dict[ModelTask, float]:
        return {**LOCAL_DEADLINES, **given}

    @property
    def configured(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.url)


class FrontierSettings(ModelServerSettings):
    """An OpenAI-compatible server. Environment: OPENAI_API_KEY is the bearer token, OPENAI_BASE_URL the address."""

    url: str = Field(
        default="", description=f"with its path prefix, such as {OPENAI_URL}, which is meant when only a key is given"
    )
    choice: ModelChoice = Field(default=ModelChoice(default="gpt-4o"), description="which models are asked")
    deadlines: dict[ModelTask, float] = Field(default=FRONTIER_DEADLINES, description="task -> seconds")
    context_tokens: int = Field(default=128_000, ge=1024, description="what prompt and answer may have together")

    @field_validator("deadlines")
    @classmethod
    def _over_the_defaults(cls, given: dict[ModelTask, float]) -> dict[ModelTask, float]:
        return {**FRONTIER_DEADLINES, **given}

    @model_validator(mode="after")
    def _where(self) -> Self:
        if self.url or self.bearer_token is None:
            return self
        object.__setattr__(self, "url", OPENAI_URL)
        return self

    @property
    def configured(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.url)


class ModelsSettings(Model):
    """Language models; without any, the rules decide and a human is asked where they are unsure."""

    local: LocalSettings = LocalSettings()
    frontier: FrontierSettings = FrontierSettings()

    @property
    def configured(self) -> bool:
        """Whether any rung has a server."""
        return self.local.configured or self.frontier.configured


def request_body(settings: ModelServerSettings) -> Mapping[str, float | int]:
    """The sampling options that are sent: nothing random unless someone wants it."""
    given = {"temperature": settings.temperature, "seed": settings.seed}
    return {name: value for name, value in given.items() if value is not None}
