"""Our client reads what a real OpenAI-compatible server answered (llama.cpp's, recorded)."""

from __future__ import annotations

import json

import pytest

from core.clock import ManualClock
from core.errors import SourceRejected
from tests.clients.models.test_model_clients import TOOL, request, world
from tests.fakes.recordings import recording
from tests.fakes.script import Fail


def as_step(name: str) -> Fail:
    """The recorded answer, byte for byte."""
    response = recording("llm", name)["response"]
    return Fail(response["status"], response["body"], dict(response["headers"])["Content-Type"])


@pytest.mark.parametrize("name", ["chat_stream", "chat_tools_required_call_stream"])
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


@pytest.mark.parametrize(
    ("name", "told", "fix"),
    [
        ("chat_no_key_401", "Invalid API Key", "models.frontier.bearer_token"),
        ("chat_context_overflow", "prompt is too long", "models.frontier.context_tokens"),
        ("chat_bad_tool_choice", "400", ""),
    ],
)
async def test_a_recorded_refusal_says_what_to_do(name: str, told: str, fix: str, clock: ManualClock) -> None:
    async with world("frontier", clock, as_step(name), attempts=1) as w:
        with pytest.raises(SourceRejected, match=told) as error:
            await w.model.complete(request())
    assert fix in error.value.fix
