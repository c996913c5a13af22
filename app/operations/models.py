"""What `quell models` does: the language models that are configured, what they can do and how quick they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import Field

from app.settings import Settings
from clients.models.routing import full_name
from clients.models.settings import ModelChoice
from clients.models.speed import TYPICAL_OUTPUT_TOKENS, TYPICAL_PROMPT_TOKENS, Speed, expected_seconds
from core.clock import Clock
from core.errors import ConfigError, SourceError
from core.llm import ModelTask
from core.models import Model, Rung

if TYPE_CHECKING:
    from clients.models.ollama import LocalModels
    from clients.models.openai import FrontierModels


class ListedModel(Model):
    """One model that is configured, or pulled."""

    rung: Rung
    name: str
    asked_for: tuple[str, ...] = Field(description="tasks, `urgent`, and agents that want it")
    pulled: bool | None = Field(description="null: not known, or nothing to pull")
    tools: bool | None = Field(default=None, description="null: not known")
    context_tokens: int | None = None
    size_bytes: int | None = None


class ModelListing(Model):
    """Every model that is configured or pulled, by rung."""

    models: tuple[ListedModel, ...]
    problems: tuple[str, ...] = Field(default=(), description="of rungs that do not answer, with the fix")


class PulledModels(Model):
    """What was downloaded."""

    models: tuple[str, ...]


class TaskTime(Model):
    """How long a model takes for a task of usual size, and how long it may."""

    task: ModelTask
    expected_seconds: float
    deadline_seconds: float
    asked: bool = Field(description="whether it is quick enough to be asked")


class TimedModel(Model):
    """How quick one local model is here."""

    name: str
    speed: Speed | None = Field(description="null: it could not be measured")
    tasks: tuple[TaskTime, ...] = ()
    problem: str = Field(default="", description="why it could not be measured, with the fix")


class ModelBench(Model):
    """The speed of every local model that is configured and pulled."""

    models: tuple[TimedModel, ...]
    missing: tuple[str, ...] = Field(default=(), description="models that are configured and not pulled")
    prompt_tokens: int = Field(default=TYPICAL_PROMPT_TOKENS, description="of the task of usual size")


def local_of(rungs: Sequence[LocalModels | FrontierModels]) -> LocalModels | None:
    """The rung on Ollama, when it is configured."""
    if not rungs:
        return None
    from clients.models.ollama import LocalModels

    return next((each for each in rungs if isinstance(each, LocalModels)), None)


@asynccontextmanager
async def open_models(settings: Settings, clock: Clock) -> AsyncIterator[tuple[LocalModels | FrontierModels, ...]]:
    """The rungs that are configured, closed at the end; only then are their libraries imported.

    Raises:
        ConfigError: their TLS files cannot be used.
    """
    rungs: list[LocalModels | FrontierModels] = []
    try:
        if (local := settings.models.local.rooted(settings.path)).configured:
            from clients.models.ollama import LocalModels

            rungs.append(LocalModels(local, clock))
        if (frontier := settings.models.frontier.rooted(settings.path)).configured:
            from clients.models.openai import FrontierModels

            rungs.append(FrontierModels(frontier, clock))
        yield tuple(rungs)
    finally:
        for each in rungs:
            await each.close()


async def list_models(settings: Settings) -> ModelListing:
    """What is configured and what is pulled; a rung that does not answer is a problem, not an error."""
    found: list[ListedModel] = []
    problems: list[str] = []
    async with open_models(settings, settings.clock) as rungs:
        if (local := local_of(rungs)) is not None:
            found += await _local(settings, local, problems)
        if settings.models.frontier.configured:
            choice = settings.models.frontier.choice
            found += [
                ListedModel(rung=Rung.FRONTIER, name=name, asked_for=_asked_for(choice, name, str), pulled=None)
                for name in choice.named
            ]
    return ModelListing(models=tuple(found), problems=tuple(problems))


async def bench_models(settings: Settings) -> ModelBench:
    """Load and measure every local model that is configured and pulled, or else the one that falls in for them.

    Raises:
        ModelError: Ollama does not answer, or a model cannot be loaded.
    """
    async with open_models(settings, settings.clock) as rungs:
        local = local_of(rungs)
        if local is None:
            return ModelBench(models=())
        found = await local.prepare()
    broken = tuple(TimedModel(name=name, speed=None, problem=str(error)) for name, error in found.failed.items())
    return ModelBench(models=(*timed(found.speeds, settings.models.local.deadlines), *broken), missing=found.missing)


def timed(speeds: Mapping[str, Speed], deadlines: Mapping[ModelTask, float]) -> tuple[TimedModel, ...]:
    """For which tasks models of these speeds are quick enough."""
    return tuple(
        TimedModel(name=name, speed=speed, tasks=tuple(_time(speed, task, deadlines[task]) for task in ModelTask))
        for name, speed in speeds.items()
    )


async def pull_models(settings: Settings, names: tuple[str, ...], tell: Callable[[str], None]) -> PulledModels:
    """Download models, by default those that are configured and missing.

    Args:
        tell: is given one line a step.

    Raises:
        ConfigError: models are named, but no Ollama is configured.
        SourceError: Ollama does not answer, or knows no such model.
    """
    done: list[str] = []
    async with open_models(settings, settings.clock) as rungs:
        local = local_of(rungs)
        if local is None and names:
            raise ConfigError("no Ollama is configured", fix="set models.local.url or OLLAMA_HOST")
        if local is not None:
            there = {each.name for each in await local.pulled()}
            missing = (name for name in settings.models.local.choice.named if full_name(name) not in there)
            for name in names or tuple(missing):
                async for step in local.pull(name):
                    share = f" {step.share:.0%}" if step.share is not None else ""
                    tell(f"{name}: {step.step}{share}")
                done.append(name)
    return PulledModels(models=tuple(done))


async def _local(settings: Settings, rung: LocalModels, problems: list[str]) -> list[ListedModel]:
    """Those that are configured, first, and whatever else is pulled."""
    section = settings.models.local
    try:
        there = {each.name: each for each in await rung.pulled()}
    except SourceError as error:
        problems.append(str(error))
        there = None
    names = dict.fromkeys([*(full_name(name) for name in section.choice.named), *(there or ())])
    found = []
    for name in names:
        pulled = there.get(name) if there else None
        found.append(
            ListedModel(
                rung=Rung.LOCAL,
                name=name,
                asked_for=_asked_for(section.choice, name, full_name),
                pulled=None if there is None else pulled is not None,
                tools=pulled.tools if pulled else None,
                context_tokens=pulled.context_tokens if pulled else None,
                size_bytes=pulled.size_bytes if pulled else None,
            )
        )
    return found


def _asked_for(choice: ModelChoice, name: str, spelled: Callable[[str], str]) -> tuple[str, ...]:
    tasks = [task.value for task in ModelTask if spelled(choice.wanted(task)) == name]
    urgent = ["urgent"] if choice.urgent and spelled(choice.urgent) == name else []
    return (*tasks, *urgent, *(agent for agent, model in choice.agents.items() if spelled(model) == name))


def _time(speed: Speed, task: ModelTask, deadline: float) -> TaskTime:
    seconds = expected_seconds(speed, task, TYPICAL_PROMPT_TOKENS, TYPICAL_OUTPUT_TOKENS[task])
    return TaskTime(task=task, expected_seconds=round(seconds, 3), deadline_seconds=deadline, asked=seconds <= deadline)
