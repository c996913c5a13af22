"""Both rungs behind `core.ports.ChatModel`, against wire-true fakes: well, and in every way a server fails."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from clients.models.ollama import LocalModels
from clients.models.openai import FrontierModels
from clients.models.settings import FrontierSettings, LocalSettings
from core.clock import ManualClock
from core.errors import ModelLate, ModelUnavailable, SourceRejected
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker, ToolCall, ToolSpec
from core.models.base import Rung
from core.ports import ChatModel
from tests.fakes.ollama import ollama_server
from tests.fakes.openai import openai_server
from tests.fakes.script import Call, Fail, Say, Script

SECRET = "sk-test"
SCHEMA = {
    "type": "object",
    "properties": {"cause": {"type": "string"}},
    "required": ["cause"],
    "additionalProperties": False,
}
TOOL = ToolSpec(name="metric_digest", description="numbers", parameters=SCHEMA)
RUNGS = ("local", "frontier")


def request(text: str = "Why?", **given: Any) -> ModelRequest:
    said = (Message(speaker=Speaker.SYSTEM, text="Be brief."), Message(speaker=Speaker.USER, text=text))
    return ModelRequest(**{"task": ModelTask.RCA, "messages": said, "purpose": Purpose(agent="rca"), **given})


@dataclass
class World:
    """A client and what its server was asked."""

    model: LocalModels | FrontierModels
    script: Script
    url: str
    fake: Any = field(repr=False)


@contextlib.asynccontextmanager
async def world(rung: str, clock: ManualClock, *steps: Any, **settings: Any) -> AsyncIterator[World]:
    script = Script.of(*steps)
    if rung == "local":
        async with ollama_server(script) as fake:
            local = LocalModels(LocalSettings(url=fake.url, **settings), clock)
            try:
                yield World(local, script, fake.url, fake)
            finally:
                await local.close()
    else:
        async with openai_server(script) as other:
            given = {"url": f"{other.url}/v1", "bearer_token": SecretStr(SECRET), **settings}
            frontier = FrontierModels(FrontierSettings(**given), clock)
            try:
                yield World(frontier, script, other.url, other)
            finally:
                await frontier.close()


@pytest.mark.parametrize("rung", RUNGS)
async def test_an_answer_with_its_counts(rung: str, clock: ManualClock) -> None:
    async with world(rung, clock, Say("payment", prompt_tokens=77, output_tokens=5)) as w:
        port: ChatModel = w.model
        reply = await port.complete(request())
    assert (reply.text, reply.prompt_tokens, reply.output_tokens) == ("payment", 77, 5)
    assert (reply.rung, reply.model) == (Rung(rung), {"local": "mistral:7b", "frontier": "gpt-4o"}[rung])
    assert not reply.cut
    assert not reply.notes
    (asked,) = w.script.requests
    assert [each["role"] for each in asked["messages"]] == ["system", "user"]
    assert asked["stream"] is True
    options = asked["options"] if rung == "local" else asked
    assert (options["temperature"], options["seed"]) == (0.0, 1)


@pytest.mark.parametrize("rung", RUNGS)
async def test_the_schema_is_sent_and_a_full_answer_is_marked_cut(rung: str, clock: ManualClock) -> None:
    async with world(rung, clock, {"cause": "payment"}, Say('{"cause": "pay', full=True)) as w:
        assert json.loads((await w.model.complete(request(response_schema=SCHEMA))).text) == {"cause": "payment"}
        cut = await w.model.complete(request(response_schema=SCHEMA, max_output_tokens=7))
    assert (cut.cut, cut.text) == (True, '{"cause": "pay')
    first, second = w.script.requests
    if rung == "local":
        assert first["format"] == SCHEMA
        assert (second["options"]["num_predict"], first["keep_alive"]) == (7, "30m")
    else:
        assert first["response_format"]["json_schema"] == {"name": "answer", "schema": SCHEMA, "strict": True}
        assert second["max_tokens"] == 7
        assert "max_completion_tokens" not in second


@pytest.mark.parametrize("rung", RUNGS)
async def test_tools_are_offered_called_and_answered(rung: str, clock: ManualClock) -> None:
    calls = Say(calls=(Call("metric_digest", '{"cause": "a"}'), Call("metric_digest", '{"cause": "b"}')))
    async with world(rung, clock, calls, "done") as w:
        reply = await w.model.complete(request(tools=(TOOL,)))
        assert [(call.name, json.loads(call.arguments)) for call in reply.tool_calls] == [
            ("metric_digest", {"cause": "a"}),
            ("metric_digest", {"cause": "b"}),
        ]
        assert all(call.id for call in reply.tool_calls)
        turn = Message(speaker=Speaker.ASSISTANT, tool_calls=reply.tool_calls)
        said = [Message(speaker=Speaker.TOOL, text="42", answers=call.id) for call in reply.tool_calls]
        await w.model.complete(request(messages=(*request().messages, turn, *said), tools=(TOOL,)))
    first, second = w.script.requests
    assert first["tools"][0]["function"]["name"] == "metric_digest"
    assert [each["role"] for each in second["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert len(second["messages"][2]["tool_calls"]) == 2


async def test_arguments_that_are_no_json_come_back_as_written(clock: ManualClock) -> None:
    async with world("frontier", clock, Say(calls=(Call("metric_digest", '{"cause": '),)), "done") as w:
        reply = await w.model.complete(request(tools=(TOOL,)))
        assert reply.tool_calls == (ToolCall(id="call_0", name="metric_digest", arguments='{"cause": '),)
        turn = Message(speaker=Speaker.ASSISTANT, tool_calls=reply.tool_calls)
        said = Message(speaker=Speaker.TOOL, text="no JSON", answers="call_0")
        await w.model.complete(request(messages=(*request().messages, turn, said), tools=(TOOL,)))
    assert w.script.requests[1]["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"cause": '


@pytest.mark.parametrize("rung", RUNGS)
async def test_no_answer_before_the_deadline(rung: str, clock: ManualClock) -> None:
    async with world(rung, clock, Say("late", slow=True)) as w:
        with pytest.raises(ModelLate, match="no answer for rca in time"):
            await w.model.complete(request(deadline_seconds=0.3))


@pytest.mark.parametrize("rung", RUNGS)
async def test_a_stream_that_is_cut_is_no_answer_and_not_asked_again(rung: str, clock: ManualClock) -> None:
    async with world(rung, clock, Say("x" * 200, cut=True)) as w:
        with pytest.raises(ModelUnavailable, match="broke off in the middle"):
            await w.model.complete(request())


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_overload_is_asked_again(rung: str, status: int, clock: ManualClock, waits: list[float]) -> None:
    async with world(rung, clock, Fail(status), Fail(status, "<html>busy</html>", "text/html"), "well") as w:
        assert (await w.model.complete(request())).text == "well"
    assert len(waits) == 2
    assert 0.5 < waits[0] < waits[1] + 0.5, "it grows, and no two callers wait equally long"
    assert waits[1] <= 1.5


@pytest.mark.parametrize("rung", RUNGS)
async def test_retry_after_is_honoured_with_jitter(rung: str, clock: ManualClock, waits: list[float]) -> None:
    async with world(rung, clock, Fail(429, headers={"Retry-After": "7"}), "well") as w:
        assert (await w.model.complete(request())).text == "well"
    assert len(waits) == 1
    assert 7 < waits[0] <= 7.5, "not all callers come back at once"


@pytest.mark.parametrize("rung", RUNGS)
async def test_a_wait_past_the_deadline_is_not_begun(rung: str, clock: ManualClock, waits: list[float]) -> None:
    async with world(rung, clock, Fail(429, headers={"Retry-After": "60"})) as w:
        with pytest.raises(ModelUnavailable, match="429") as told:
            await w.model.complete(request())
    assert "not before 60 s from now" in told.value.fix
    assert not waits


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("body", ["<html>log in</html>", "nonsense", "{}", "", "[]", '{"message": 3, "choices": 5}'])
async def test_a_success_that_is_none(rung: str, body: str, clock: ManualClock) -> None:
    async with world(rung, clock, Fail(200, body, "text/html")) as w:
        with pytest.raises(ModelUnavailable):
            await w.model.complete(request())


@pytest.mark.parametrize("rung", RUNGS)
async def test_a_server_that_is_away_opens_the_breaker_and_one_call_probes_it(rung: str, clock: ManualClock) -> None:
    steps = [Fail(500)] * 2
    async with world(rung, clock, *steps, "well", "again", failures_to_open=2, open_seconds=30, attempts=1) as w:
        for _ in steps:
            with pytest.raises(ModelUnavailable, match="500"):
                await w.model.complete(request())
        with pytest.raises(ModelUnavailable, match=r"2 times in a row and is tried again in 30 s; last: .*500"):
            await w.model.complete(request())
        clock.advance(31)
        assert (await w.model.complete(request())).text == "well"
        assert (await w.model.complete(request())).text == "again"


@pytest.mark.parametrize(
    ("status", "detail", "fix"),
    [
        (404, "File Not Found", "https://api.openai.com/v1, without /chat/completions"),
        (400, "Unsupported value: 'temperature'", "models.frontier.temperature or .seed to null"),
    ],
)
async def test_a_refusal_says_what_to_change(status: int, detail: str, fix: str, clock: ManualClock) -> None:
    refused = Fail(status, json.dumps({"error": {"message": detail}}))
    async with world("frontier", clock, refused) as w:
        with pytest.raises(SourceRejected, match=f"answered {status}: {detail}") as told:
            await w.model.complete(request())
    assert fix in told.value.fix


@pytest.mark.parametrize("rung", RUNGS)
async def test_nobody_listens(rung: str, clock: ManualClock) -> None:
    async with world(rung, clock, attempts=1) as w:
        url = w.url
    model = (
        LocalModels(LocalSettings(url=url), clock)
        if rung == "local"
        else FrontierModels(FrontierSettings(url=f"{url}/v1"), clock)
    )
    with pytest.raises(ModelUnavailable, match="does not answer: Connection refused"):
        await model.complete(request())
    status = await model.status()
    assert (status.configured, status.reachable) == (True, False)
    assert status.fix
    await model.close()


async def test_a_wrong_key_is_told_without_it(clock: ManualClock) -> None:
    wrong = SecretStr("sk-proj-" + "a" * 40)
    async with world("frontier", clock, bearer_token=wrong) as w:
        with pytest.raises(SourceRejected, match="401") as told:
            await w.model.complete(request())
        status = await w.model.status()
    for text in (str(told.value), repr(told.value), status.model_dump_json(), repr(w.model._settings)):
        assert "aaaa" not in text
    assert "models.frontier.bearer_token" in told.value.fix
    assert not status.reachable


async def test_an_unknown_model_and_a_context_that_overflows(clock: ManualClock) -> None:
    unknown = Fail(
        404, json.dumps({"error": {"message": "The model `gpt-9` does not exist", "code": "model_not_found"}})
    )
    async with world("frontier", clock, unknown) as w:
        with pytest.raises(SourceRejected, match="does not know the model") as told:
            await w.model.complete(request())
        assert "models.frontier.choice" in told.value.fix
        w.fake.context = 1000
        with pytest.raises(SourceRejected, match=r"exceeds the available context size \(1000 tokens\)") as told:
            await w.model.complete(request("log line\n" * 2000))
        assert "models.frontier.context_tokens" in told.value.fix


@pytest.mark.parametrize("rung", RUNGS)
async def test_what_does_not_fit_is_shortened_aloud(rung: str, clock: ManualClock) -> None:
    small = {"max_context_tokens": 4096} if rung == "local" else {"context_tokens": 4096}
    async with world(rung, clock, "well", **small) as w:
        reply = await w.model.complete(request("first\n" + "a log line\n" * 5000 + "last"))
    (note,) = reply.notes
    assert note.startswith("prompt shortened from ")
    (asked,) = w.script.requests
    system, user = (each["content"] for each in asked["messages"])
    assert system == "Be brief."
    assert user.startswith("first\n")
    assert user.endswith("last")
    assert "left out here to fit" in user


async def test_a_server_that_counts_nothing_is_counted_for(clock: ManualClock) -> None:
    async with world("frontier", clock, Say("one two three", prompt_tokens=0, output_tokens=0)) as w:
        reply = await w.model.complete(request())
    assert (reply.prompt_tokens, reply.output_tokens) == (2 + 3 + 2 * 4, 3)
    assert reply.notes == ("the server did not count tokens: counted here",)


async def test_a_model_by_agent_and_by_task(clock: ManualClock) -> None:
    choice = {"default": "gpt-4o", "tasks": {"summary": "gpt-4o-mini"}, "agents": {"healing": "o4-mini"}}
    async with world("frontier", clock, "a", "b", "c", choice=choice, temperature=None) as w:
        await w.model.complete(request())
        await w.model.complete(request(task=ModelTask.SUMMARY))
        await w.model.complete(request(task=ModelTask.SUMMARY, purpose=Purpose(agent="healing")))
    assert [each["model"] for each in w.script.requests] == ["gpt-4o", "gpt-4o-mini", "o4-mini"]
    assert "temperature" not in w.script.requests[0]
