"""What only Ollama needs: contexts, routing by what is pulled, capabilities, speed."""

from __future__ import annotations

import asyncio
import json

import pytest

from clients.models.ollama import LocalModels
from clients.models.settings import LocalSettings
from core.clock import ManualClock
from core.errors import ModelLate, ModelUnavailable, SourceRejected
from core.llm import ModelTask
from tests.clients.models.test_model_clients import SCHEMA, TOOL, request, world
from tests.fakes.script import Fail, Say


def asked(requests: list[dict[str, object]]) -> list[object]:
    return [each["model"] for each in requests]


async def test_contexts_are_buckets_that_never_shrink_so_that_nothing_is_loaded_again(clock: ManualClock) -> None:
    async with world("local", clock, *[Say("a", prompt_tokens=0)] * 4) as w:
        for lines in (1, 700, 1, 900):
            await w.model.complete(request("a line of log\n" * lines, max_output_tokens=500))
        assert w.fake.loads == [("mistral:7b", 4096), ("mistral:7b", 8192)]


async def test_a_model_that_is_loaded_too_long_is_late_and_there_for_the_next_question(clock: ManualClock) -> None:
    async with world("local", clock, "early", "well") as w:
        w.fake.reload = asyncio.Event()
        with pytest.raises(ModelLate):
            await w.model.complete(request(deadline_seconds=0.05))
        w.fake.reload.set()
        assert (await w.model.complete(request())).text in ("early", "well")
        assert w.fake.loads == [("mistral:7b", 4096)]
        w.script.steps.clear()


async def test_the_estimate_follows_what_ollama_counted(clock: ManualClock) -> None:
    text = "word " * 2000
    async with world("local", clock, Say("a", prompt_tokens=2006), "b") as w:
        await w.model.complete(request(text, max_output_tokens=500))
        assert w.fake.loads == [("mistral:7b", 4096)]
        await w.model.complete(request(text * 2, max_output_tokens=50))
        assert w.fake.loads[-1] == ("mistral:7b", 8192), "twice the plain estimate would have needed no less"


async def test_a_prompt_that_ollama_found_longer_than_its_context_is_told(clock: ManualClock) -> None:
    async with world("local", clock, Say("a", prompt_tokens=4000)) as w:
        reply = await w.model.complete(request())
    assert reply.notes == ("the prompt has 4000 tokens: Ollama may have dropped its beginning",)


async def test_tools_go_only_to_models_that_have_them(clock: ManualClock) -> None:
    async with world("local", clock, "a", "b") as w:
        plain = await w.model.complete(request(tools=(TOOL,), response_schema=SCHEMA, urgent=True))
        able = await w.model.complete(request(tools=(TOOL,), response_schema=SCHEMA))
    assert plain.notes == ("phi3:mini has no tools: asked without them",)
    assert able.notes == ("schema not enforced while tools are offered: Ollama's grammar would forbid the calls",)
    first, second = w.script.requests
    assert (first.get("tools"), first["format"]) == ([], SCHEMA)
    assert (len(second["tools"]), second.get("format")) == (1, None)


async def test_tasks_and_urgency_choose_and_what_is_not_pulled_falls_back_aloud(clock: ManualClock) -> None:
    async with world("local", clock, *"abcd") as w:
        await w.model.complete(request(urgent=True))
        await w.model.complete(request(task=ModelTask.ANOMALY, deadline_seconds=20))
        await w.model.complete(request(task=ModelTask.LOG_CLASSIFICATION, deadline_seconds=20))
        del w.fake.pulled["mistral:7b"]
        clock.advance(61)
        reply = await w.model.complete(request())
    assert asked(w.script.requests) == ["phi3:mini", "mistral:7b", "phi3:medium", "phi3:medium"]
    assert reply.notes == ("phi3:medium asked instead of mistral:7b: mistral:7b is not pulled",)


async def test_models_for_embeddings_are_not_asked_and_none_is_told(clock: ManualClock) -> None:
    async with world("local", clock) as w:
        w.fake.pulled.clear()
        w.fake.pulled["nomic-embed-text:latest"] = ("embedding",)
        with pytest.raises(ModelUnavailable, match="no model is pulled; mistral:7b is wanted for rca") as told:
            await w.model.complete(request())
        assert told.value.fix == "run `quell models pull mistral:7b`"
        status = await w.model.status()
    assert not status.reachable
    assert "not pulled: mistral:7b, phi3:medium, phi3:mini" in status.detail


async def test_a_model_too_slow_for_a_task_is_not_asked_after_it_was_measured(clock: ManualClock) -> None:
    """The fake reads 200 tokens and writes 40 tokens a second."""
    async with world("local", clock, *"abc", "answer") as w:
        assert isinstance(w.model, LocalModels)
        speeds = (await w.model.prepare()).speeds
        assert set(speeds) == {"mistral:7b", "phi3:medium", "phi3:mini"}
        assert {(each.prompt_token_seconds, each.output_token_seconds) for each in speeds.values()} == {(0.005, 0.025)}
        assert speeds["mistral:7b"].load_seconds == 8
        with pytest.raises(ModelUnavailable, match=r"too slow for anomaly: mistral:7b needs about 1\.\d s here"):
            await w.model.complete(request(task=ModelTask.ANOMALY))
        assert (await w.model.complete(request())).text == "answer"
    assert len(w.script.requests) == 4


async def test_what_falls_in_for_models_that_are_not_pulled_is_measured_in_their_place(clock: ManualClock) -> None:
    async with world("local", clock, "measured", "answer") as w:
        w.fake.pulled.clear()
        w.fake.pulled |= {"llama3.2:latest": ("completion",), "nomic:latest": ("embedding",)}
        assert isinstance(w.model, LocalModels)
        found = await w.model.prepare()
        assert (set(found.speeds), found.missing) == ({"llama3.2:latest"}, ("mistral:7b", "phi3:medium", "phi3:mini"))
        with pytest.raises(ModelUnavailable, match=r"too slow for anomaly: llama3\.2:latest needs"):
            await w.model.complete(request(task=ModelTask.ANOMALY))
        reply = await w.model.complete(request())
    assert reply.notes == ("llama3.2:latest asked instead of mistral:7b: mistral:7b is not pulled",)


async def test_a_model_that_nobody_named_or_timed_does_not_stand_in_for_slow_ones(clock: ManualClock) -> None:
    async with world("local", clock, *"abc") as w:
        w.fake.pulled["llama3.3:70b"] = ("completion", "tools")
        assert isinstance(w.model, LocalModels)
        assert "llama3.3:70b" not in (await w.model.prepare()).speeds
        with pytest.raises(ModelUnavailable, match="too slow for anomaly"):
            await w.model.complete(request(task=ModelTask.ANOMALY))
    assert "llama3.3:70b" not in asked(w.script.requests)


async def test_a_quicker_model_answers_for_one_that_is_too_slow_aloud(clock: ManualClock) -> None:
    async with world("local", clock, "slow", Say("quick", prompt_tokens=10_000, output_tokens=10_000), "answer") as w:
        assert isinstance(w.model, LocalModels)
        await w.model.measure("mistral:7b")
        await w.model.measure("phi3:mini")
        reply = await w.model.complete(request(task=ModelTask.ANOMALY))
    assert asked(w.script.requests)[-1] == "phi3:medium"
    assert reply.notes[0].startswith("phi3:medium asked instead of mistral:7b: mistral:7b needs about 1.")


async def test_a_pull_tells_its_progress_and_its_failure(clock: ManualClock) -> None:
    async with world("local", clock) as w:
        assert isinstance(w.model, LocalModels)
        steps = [step async for step in w.model.pull("llama3.2")]
        assert [step.share for step in steps] == [None, 0.1, 1.0, None]
        assert steps[-1].step == "success"
        assert "llama3.2:latest" in {each.name for each in await w.model.pulled()}
        with pytest.raises(SourceRejected, match=r"knows no such model.*file does not exist") as told:
            [step async for step in w.model.pull("nothing:none")]
        assert "https://ollama.com/library" in told.value.fix


async def test_a_model_that_went_away_is_looked_for_again(clock: ManualClock) -> None:
    gone = Fail(404, json.dumps({"error": "model 'mistral:7b' not found"}))
    async with world("local", clock, gone, "b") as w:
        with pytest.raises(SourceRejected, match="does not know the model"):
            await w.model.complete(request())
        del w.fake.pulled["mistral:7b"]
        assert (await w.model.complete(request())).model == "phi3:medium"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104  # never bound
        ("gpu.example:8080", "http://gpu.example:8080"),
        ("gpu.example", "http://gpu.example:11434"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434"),
        ("https://ollama.example/base", "https://ollama.example/base"),
        ("[::1]:11434", "http://[::1]:11434"),
        ("http://gpu.example:11434/v1", "http://gpu.example:11434"),
        ("http://gpu.example:11434/api/", "http://gpu.example:11434"),
        ("https://ollama.example/base/api", "https://ollama.example/base"),
        ("", ""),
    ],
)
def test_addresses_as_ollama_writes_them(given: str, url: str) -> None:
    assert LocalSettings(url=given).url == url


def test_credentials_leave_the_address() -> None:
    settings = LocalSettings(url="http://me:hidden@gpu.example:8080")
    assert settings.url == "http://gpu.example:8080"
    assert settings.username == "me"
    assert "hidden" not in repr(settings)
