"""`quell models`, the doctor and the environment's names, against wire-true fakes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from app.doctor import examine
from app.operations.model_check import check_models
from app.operations.models import bench_models, list_models, pull_models
from app.operations.opening import open_store
from app.settings import Settings
from clients.models.settings import FrontierSettings, LocalSettings, ModelsSettings
from core.clock import ManualClock
from core.errors import ConfigError
from core.llm import ModelTask
from core.models import Rung
from stores.migrate import upgrade
from tests.fakes.ollama import FakeOllama, ollama_server
from tests.fakes.openai import FakeOpenAI, openai_server
from tests.fakes.script import Fail, Say, Script
from tests.support import eventually

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


def local(fake: FakeOllama, **fields: Any) -> Settings:
    return Settings(models=ModelsSettings(local=LocalSettings(url=fake.url, **fields)))


def frontier(fake: FakeOpenAI, folder: Path, **fields: Any) -> Settings:
    section = {"url": f"{fake.url}/v1", "bearer_token": fake.key, "attempts": 1}
    return Settings.model_validate({"data_dir": folder, "models": {"frontier": section}, **fields})


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


async def test_a_check_is_booked_like_any_call_and_bound_by_the_budget(tmp_path: Path) -> None:
    async with openai_server(Script.of(READY, READY)) as fake:
        settings = frontier(fake, tmp_path)
        [early] = (await check_models(settings)).rungs
        assert early.ok
        assert early.notes[0].startswith("not in the books of `quell costs`: there is no database")
        await upgrade(settings.store_url)
        [booked] = (await check_models(settings, "ada")).rungs
        assert (booked.ok, booked.notes, booked.cost_usd) == (True, (), 0.00045)
        [refused] = (await check_models(frontier(fake, tmp_path, budget={"day_usd": 0.002}))).rungs
    assert not refused.ok
    assert "raise budget.day_usd" in refused.fix
    async with open_store(settings) as store, store.read() as tx:
        [call] = await tx.spending.calls()
    assert (call.agent, call.user, call.cost_usd, call.outcome) == ("check", "ada", 0.00045, "answered")


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (Say("I am ready"), "does not keep to the JSON Schema that was sent: 'I am ready'"),
        (Say('{"answer": 3}'), "does not keep to the JSON Schema"),
        (Say('{"answer": "rea', full=True), "had not ended after 256 tokens"),
        (Say(""), "was empty"),
    ],
)
async def test_a_rung_whose_answers_agents_could_not_use_is_broken(tmp_path: Path, step: Say, problem: str) -> None:
    async with openai_server(Script.of(step)) as fake:
        [found] = (await check_models(frontier(fake, tmp_path))).rungs
    assert not found.ok
    assert problem in found.problem
    assert "JSON Schema" in found.fix


async def test_a_check_of_local_models_waits_until_they_are_loaded(ollama: FakeOllama, script: Script) -> None:
    script.steps.append(Say(json.dumps(READY), slow=True))
    task = asyncio.create_task(check_models(local(ollama, deadlines={"rca": 0.01})))
    await eventually(lambda: bool(script.requests))
    script.release.set()
    assert (await task).ok


async def test_a_bench_tells_what_cannot_be_loaded_and_what_is_missing(ollama: FakeOllama, script: Script) -> None:
    del ollama.pulled["phi3:medium"]
    script.steps.extend([Fail(500, '{"error": "model requires more system memory"}'), QUICK])
    found = await bench_models(local(ollama, attempts=1))
    assert found.missing == ("phi3:medium",)
    quick, broken = found.models
    assert (quick.name, quick.problem) == ("phi3:mini", "")
    assert (broken.name, broken.speed, broken.tasks) == ("mistral:7b", None, ())
    assert "more system memory" in broken.problem


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
