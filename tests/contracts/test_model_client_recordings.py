"""Our client asks and reads as in recordings of a real OpenAI-compatible server (llama.cpp's)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import SourceRejected
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker, ToolCall, ToolSpec
from tests.clients.models.test_model_clients import TOOL, request, world
from tests.fakes.recordings import recording
from tests.fakes.script import Fail


def as_step(name: str) -> Fail:
    """The recorded answer, byte for byte."""
    response = recording("llm", name)["response"]
    return Fail(response["status"], response["body"], dict(response["headers"])["Content-Type"])


@pytest.mark.parametrize("name", ["chat_stream", "chat_tools_required_call_stream", "chat_tools_required_stream"])
async def test_a_recorded_stream_is_read_whole(name: str, clock: ManualClock) -> None:
    body = recording("llm", name)["response"]["body"]
    events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls") or ()]
    async with world("frontier", clock, as_step(name)) as w:
        reply = await w.model.complete(request(tools=(TOOL,)))
    assert reply.text == "".join(delta.get("content") or "" for delta in deltas)
    assert "".join(call.arguments for call in reply.tool_calls) == "".join(call.get("arguments", "") for call in calls)
    assert [call.name for call in reply.tool_calls] == [call["name"] for call in calls if call.get("name")]
    finish = next(choice["finish_reason"] for e in events for choice in e["choices"] if choice["finish_reason"])
    assert reply.cut is (finish == "length")
    assert reply.output_tokens > 0


def asked_for(body: dict[str, Any]) -> ModelRequest:
    """What our client is told to send, so that it sends the recorded request."""
    messages = tuple(
        Message(
            speaker=Speaker(each["role"]),
            text=each.get("content") or "",
            answers=each.get("tool_call_id", ""),
            tool_calls=tuple(ToolCall(id=call["id"], **call["function"]) for call in each.get("tool_calls") or ()),
        )
        for each in body["messages"]
    )
    return ModelRequest(
        task=ModelTask.RCA,
        messages=messages,
        tools=tuple(ToolSpec(**each["function"]) for each in body.get("tools") or ()),
        response_schema=((body.get("response_format") or {}).get("json_schema") or {}).get("schema"),
        max_output_tokens=body["max_tokens"],
        purpose=Purpose(agent="test"),
    )


def meant(body: dict[str, Any]) -> dict[str, Any]:
    """A request without what is free: names of the model and the schema, sampling, spaces in arguments."""
    kept = {name: value for name, value in body.items() if name not in ("model", "temperature")}
    kept |= {"stream": True, "stream_options": {"include_usage": True}}
    kept.setdefault("tool_choice", "auto")
    if form := kept.get("response_format"):
        kept["response_format"] = {**form, "json_schema": {**form["json_schema"], "name": ""}}
    kept["messages"] = [
        {
            **message,
            "content": message.get("content") or "",
            "tool_calls": [
                {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}
                for call in message.get("tool_calls") or ()
            ],
        }
        for message in kept["messages"]
    ]
    return kept


@pytest.mark.parametrize(
    "name", ["chat_plain", "chat_stream", "chat_json_schema", "chat_tools_auto", "chat_tool_result_turn"]
)
async def test_our_client_asks_as_the_recorded_one_did(name: str, clock: ManualClock) -> None:
    body = json.loads(recording("llm", name)["request"]["body"])
    async with world("frontier", clock, "well") as w:
        await w.model.complete(asked_for(body))
    [sent] = w.script.requests
    assert meant(sent) == meant(body)


@pytest.mark.parametrize(
    ("name", "told", "fix"),
    [
        ("chat_no_key_401", "Invalid API Key", "models.frontier.bearer_token"),
        ("chat_context_overflow", "prompt is too long", "models.frontier.context_tokens"),
        ("chat_wrong_key_401", "Invalid API Key", "models.frontier.bearer_token"),
        ("chat_bad_tool_choice", "400", "models.frontier.choice"),
        ("chat_json_schema_bad", "cannot resolve", "models.frontier.choice"),
        ("not_found", "File Not Found", "https://api.openai.com/v1"),
    ],
)
async def test_a_recorded_refusal_says_what_to_do(name: str, told: str, fix: str, clock: ManualClock) -> None:
    async with world("frontier", clock, as_step(name), attempts=1) as w:
        with pytest.raises(SourceRejected, match=told) as error:
            await w.model.complete(request())
    assert fix in error.value.fix
