"""`quell models`, the doctor and the environment's names, against wire-true fakes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from app.cli.main import main
from app.doctor import examine
from app.operations.models import bench_models, check_models, list_models, pull_models
from app.settings import Settings
from clients.models.settings import FrontierSettings, LocalSettings, ModelsSettings
from core.clock import ManualClock
from core.errors import ConfigError
from core.llm import ModelTask
from core.models import Rung
from tests.fakes.ollama import FakeOllama, ollama_server
from tests.fakes.openai import openai_server
from tests.fakes.script import Say, Script

READY = {"answer": "ready"}
QUICK = Say("x", prompt_tokens=100_000, output_tokens=100_000)


@pytest.fixture
def script() -> Script:
    """What the fake Ollama says."""
    return Script()


@pytest.fixture
async def ollama(script: Script) -> AsyncIterator[FakeOllama]:
    """A fake Ollama."""
    async with ollama_server(script) as fake:
        yield fake


def local(fake: FakeOllama) -> Settings:
    return Settings(models=ModelsSettings(local=LocalSettings(url=fake.url)))


async def test_the_list_tells_what_is_pulled_and_what_it_is_asked_for(ollama: FakeOllama) -> None:
    del ollama.pulled["phi3:medium"]
    ollama.pulled["nomic:latest"] = ("embedding",)
    found = {each.name: each for each in (await list_models(local(ollama))).models}
    assert found["phi3:medium"].pulled is False
    assert found["phi3:medium"].asked_for == ("log_classification",)
    assert (found["phi3:mini"].tools, found["phi3:mini"].asked_for) == (False, ("urgent",))
    assert (found["mistral:7b"].tools, found["mistral:7b"].context_tokens) == (True, 32_768)
    assert found["nomic:latest"].asked_for == ()


async def test_a_pull_downloads_what_is_missing(ollama: FakeOllama) -> None:
    told: list[str] = []
    del ollama.pulled["phi3:mini"]
    assert (await pull_models(local(ollama), (), told.append)).models == ("phi3:mini",)
    assert told[-1] == "phi3:mini: success"
    assert "phi3:mini: pulling 633fc5be925f 10%" in told
    assert (await pull_models(local(ollama), (), told.append)).models == ()
    with pytest.raises(ConfigError, match="no Ollama is configured"):
        await pull_models(Settings(), ("mistral:7b",), told.append)


async def test_a_check_asks_every_rung_and_tells_which_is_broken(ollama: FakeOllama, script: Script) -> None:
    script.actor = lambda _: Say(json.dumps(READY))
    async with openai_server(Script()) as other:
        settings = Settings(
            models=ModelsSettings(
                local=LocalSettings(url=ollama.url),
                frontier=FrontierSettings(url=f"{other.url}/v1", bearer_token="sk-wrong"),  # type: ignore[arg-type]
            )
        )
        found = await check_models(settings)
    assert [(each.rung, each.ok) for each in found.rungs] == [(Rung.LOCAL, True), (Rung.FRONTIER, False)]
    assert not found.ok
    assert "401" in found.rungs[1].problem
    assert "sk-wrong" not in found.model_dump_json()


async def test_a_bench_says_for_which_tasks_a_model_is_quick_enough(ollama: FakeOllama, script: Script) -> None:
    script.steps.extend([QUICK, Say("x"), Say("x")])
    found = {each.name: each for each in (await bench_models(local(ollama))).models}
    assert all(task.asked for task in found["mistral:7b"].tasks)
    slow = {task.task: task for task in found["phi3:medium"].tasks}
    assert (slow[ModelTask.ANOMALY].asked, slow[ModelTask.RCA].asked) == (False, True)
    assert slow[ModelTask.ANOMALY].expected_seconds == 6.5  # 1000 tokens read, 60 written


async def test_without_models_nothing_is_asked_and_all_is_well() -> None:
    assert (await list_models(Settings())).models == ()
    assert (await check_models(Settings())).ok
    assert (await bench_models(Settings())).models == ()


def test_a_listing_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    assert "no models are configured: rules only" in capsys.readouterr().out
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    assert main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert "mistral:7b" in out
    assert "Ollama at http://127.0.0.1:1 does not answer" in out
    assert main(["models", "check"]) == 1
    assert main(["models", "bench"]) == 1


async def test_the_doctor_looks_at_each_rung(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    async with openai_server(Script()) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other.url}/v1")
        found = {each.name: each for each in (await examine(None, clock)).checks}
    assert (found["models local"].reachable, found["models local"].version) == (True, "0.12.6")
    assert found["models frontier"].detail == "2 models"
    assert "models" not in found


@pytest.mark.parametrize("name", ["OLLAMA_HOST", "OLLAMA_BASE_URL", "OLLAMA_API_BASE"])
def test_the_names_of_ollama(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "gpu.example:11434")
    assert Settings.load().models.local.url == "http://gpu.example:11434"
    monkeypatch.setenv("QUELL_MODELS__LOCAL__URL", "http://other.example:11434")
    assert Settings.load().models.local.url == "http://other.example:11434"


def test_the_names_of_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Settings.load().models.configured
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hidden")
    found = Settings.load().models.frontier
    assert found.url == "https://api.openai.com/v1"
    assert found.bearer_token
    assert found.bearer_token.get_secret_value() == "sk-hidden"
    assert "sk-hidden" not in repr(found)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://llama.example:8080/v1")
    assert Settings.load().models.frontier.url == "http://llama.example:8080/v1"
