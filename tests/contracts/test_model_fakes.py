"""The official `ollama` and `openai` clients work against the fakes, well and badly."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import ollama
import openai
import pytest

from tests.fakes.ollama import FakeOllama, ollama_server
from tests.fakes.openai import openai_server
from tests.fakes.script import Call, Fail, Say, Script

SCHEMA = {"type": "object", "properties": {"cause": {"type": "string"}}, "required": ["cause"]}
TOOL = {"type": "function", "function": {"name": "metric_digest", "description": "x", "parameters": SCHEMA}}
ASKED = [{"role": "user", "content": "Why is checkout failing?"}]


def official(url: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-test", max_retries=0)


@contextlib.asynccontextmanager
async def official_ollama(url: str) -> AsyncIterator[ollama.AsyncClient]:
    client = ollama.AsyncClient(host=url)
    yield client
    await client.close()


async def test_openai_chat_tools_schema_models_and_embeddings() -> None:
    script = Script.of("hello", {"cause": "payment"}, Say(calls=(Call("metric_digest", '{"cause": "x"}'),) * 2))
    async with openai_server(script) as fake, official(fake.url) as client:
        plain = await client.chat.completions.create(model="gpt-4o", messages=ASKED)
        assert (plain.choices[0].message.content, plain.choices[0].finish_reason) == ("hello", "stop")
        assert plain.usage
        assert plain.usage.total_tokens == 120
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
        typed = await client.chat.completions.create(model="gpt-4o", messages=ASKED, response_format=form)
        assert json.loads(typed.choices[0].message.content) == {"cause": "payment"}
        called = await client.chat.completions.create(model="gpt-4o", messages=ASKED, tools=[TOOL])
        assert [call.id for call in called.choices[0].message.tool_calls] == ["call_0", "call_1"]
        assert called.choices[0].finish_reason == "tool_calls"
        assert [model.id async for model in client.models.list()] == ["gpt-4o", "gpt-4o-mini"]
        vectors = await client.embeddings.create(model="e", input=["abba", "abba", "zz"], encoding_format="float")
        one, same, other = (each.embedding for each in vectors.data)
        assert one == same != other
    assert script.requests[1]["response_format"] == form


async def test_openai_streams_and_counts() -> None:
    async with openai_server(Script.of("a longer answer, in pieces")) as fake, official(fake.url) as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        pieces = [event async for event in stream]
    text = "".join(event.choices[0].delta.content or "" for event in pieces if event.choices)
    assert text == "a longer answer, in pieces"
    assert pieces[-1].usage.completion_tokens == 20


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (Fail(429, "{}", headers={"Retry-After": "7"}), openai.RateLimitError),
        (Fail(500), openai.InternalServerError),
        (Fail(503, "<html>busy</html>", "text/html"), openai.InternalServerError),
    ],
)
async def test_openai_errors(step: Fail, error: type[Exception]) -> None:
    async with openai_server(Script.of(step)) as fake, official(fake.url) as client:
        with pytest.raises(error):
            await client.chat.completions.create(model="gpt-4o", messages=ASKED)


async def test_openai_cut_in_the_middle_and_wrong_key() -> None:
    async with openai_server(Script.of(Say("x" * 200, cut=True))) as fake, official(fake.url) as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=ASKED, stream=True)
        async with stream:
            with pytest.raises((httpx.HTTPError, openai.APIError)):
                [event async for event in stream]
        wrong = openai.AsyncOpenAI(base_url=f"{fake.url}/v1", api_key="sk-other", max_retries=0)
        async with wrong:
            with pytest.raises(openai.AuthenticationError):
                await wrong.models.list()


async def test_ollama_chat_tools_schema_and_reloads() -> None:
    script = Script.of("hello", {"cause": "payment"}, Say(calls=(Call("metric_digest", '{"cause": "x"}'),)), "again")
    async with ollama_server(script) as fake, official_ollama(fake.url) as client:
        plain = await client.chat("phi3:mini", ASKED, options={"num_ctx": 4096})
        assert (plain.message.content, plain.done_reason, plain.prompt_eval_count) == ("hello", "stop", 100)
        assert plain.load_duration == 8_000_000_000
        typed = await client.chat("phi3:mini", ASKED, format=SCHEMA, options={"num_ctx": 4096})
        assert json.loads(typed.message.content or "") == {"cause": "payment"}
        assert typed.load_duration == 0, "the same model with the same context is loaded already"
        called = await client.chat("mistral:7b", ASKED, tools=[TOOL])
        assert [call.function.name for call in called.message.tool_calls or ()] == ["metric_digest"]
        await client.chat("mistral:7b", ASKED, options={"num_ctx": 8192})
        assert fake.loads == [("phi3:mini", 4096), ("mistral:7b", 4096), ("mistral:7b", 8192)]


async def test_ollama_streams() -> None:
    async with (
        ollama_server(Script.of("a longer answer, in pieces", Say("x" * 200, cut=True))) as fake,
        official_ollama(fake.url) as client,
    ):
        parts = [part async for part in await client.chat("phi3:mini", ASKED, stream=True)]
        assert "".join(part.message.content or "" for part in parts) == "a longer answer, in pieces"
        assert parts[-1].eval_count == 20
        with pytest.raises(httpx.HTTPError):
            [part async for part in await client.chat("phi3:mini", ASKED, stream=True)]


async def test_ollama_refusals() -> None:
    async with (
        ollama_server(Script.of(Fail(500, '{"error": "out of memory"}'))) as fake,
        official_ollama(fake.url) as client,
    ):
        with pytest.raises(ollama.ResponseError, match="does not support tools") as told:
            await client.chat("phi3:mini", ASKED, tools=[TOOL])
        assert told.value.status_code == 400
        with pytest.raises(ollama.ResponseError, match="not found"):
            await client.chat("llama3.2", ASKED)
        with pytest.raises(ollama.ResponseError, match="out of memory"):
            await client.chat("phi3:mini", ASKED)


async def test_ollama_lists_shows_pulls_and_embeds() -> None:
    async with ollama_server(Script()) as fake, official_ollama(fake.url) as client:
        assert [each.model for each in (await client.list()).models] == list(FakeOllama(Script()).pulled)
        assert (await client.show("phi3:mini")).capabilities == ["completion"]
        progress = [step async for step in await client.pull("llama3.2", stream=True)]
        assert [step.status for step in progress] == ["pulling manifest", *["pulling 633fc5be925f"] * 2, "success"]
        assert (await client.show("llama3.2")).capabilities == ["completion", "tools"]
        assert "llama3.2:latest" in {each.model for each in (await client.list()).models}, "no tag means latest"
        with pytest.raises(ollama.ResponseError, match="does not exist"):
            [step async for step in await client.pull("nothing:none", stream=True)]
        one, other = (await client.embed("all-minilm", ["abba", "zz"])).embeddings
        assert one != other


async def test_a_script_that_is_not_used_up_or_too_short_fails() -> None:
    with pytest.raises(AssertionError, match="never asked for"):
        async with openai_server(Script.of("left over")):
            pass
    short = Script()
    short.surprises.append({})
    with pytest.raises(AssertionError, match="without a step"):
        short.check()
