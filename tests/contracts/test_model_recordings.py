"""The fake OpenAI-compatible server answers in the shape in which a real one did (llama.cpp's, recorded)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.fakes.openai import openai_server
from tests.fakes.recordings import FOLDER, recording
from tests.fakes.script import Call, Say, Script

CONTEXT = 8192
IGNORED = {"timings", "system_fingerprint", "prompt_tokens_details", "created", "id"}
"""What llama.cpp adds to the protocol, or makes up anew each time."""


def shape(value: Any) -> Any:
    """Names and types, without what a server adds or words in its own way; all elements of a list look alike."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in sorted(value.items()) if name not in IGNORED}
    if isinstance(value, list):
        shapes = [shape(inner) for inner in value]
        return [one for index, one in enumerate(shapes) if one not in shapes[:index]]
    return type(value).__name__


def said(body: str) -> list[Any]:
    """The JSON objects of an answer: one, or one a streamed event."""
    if not body.startswith("data:"):
        return [json.loads(body)]
    events = [line.removeprefix("data: ") for line in body.splitlines() if line]
    assert events[-1] == "[DONE]"
    return [json.loads(event) for event in events[:-1]]


def as_step(exchange: dict[str, Any]) -> Say | None:
    """What a model said in a recording; None when it was never asked."""
    if exchange["response"]["status"] != 200 or not exchange["request"]["path"].endswith("/chat/completions"):
        return None
    text, finish, names, arguments = "", "", [], []
    for event in said(exchange["response"]["body"]):
        for choice in event["choices"]:
            message = choice.get("message") or choice["delta"]
            text += message.get("content") or ""
            finish = choice["finish_reason"] or finish
            for call in message.get("tool_calls") or ():
                names += [call["function"]["name"]] if call["function"].get("name") else []
                arguments.append(call["function"].get("arguments") or "")
    joined = "".join(arguments)
    calls = tuple(Call(name, joined if len(names) == 1 else arguments[index]) for index, name in enumerate(names))
    return Say(text, calls, full=finish == "length")


CHATS = (
    "chat_plain",
    "chat_stream",
    "chat_json_schema",
    "chat_json_schema_truncated",
    "chat_length_stop",
    "chat_tools_required_call",
    "chat_tools_parallel_call",
    "chat_tools_required_call_stream",
    "chat_tools_call_truncated",
    "chat_json_object",
    "chat_tool_result_turn",
    "chat_tools_auto",
    "chat_tools_auto_call",
    "chat_tools_named",
    "chat_tools_named_call",
    "chat_tools_none",
    "chat_tools_required",
    "chat_tools_required_stream",
    "chat_unknown_model",
)
ERRORS = (
    "chat_no_key_401",
    "chat_wrong_key_401",
    "chat_no_messages",
    "chat_bad_tool_choice",
    "chat_bad_json_body",
    "chat_context_overflow",
    "models_no_key",
    "not_found",
    "get_chat",
    "chat_json_schema_bad",
    "embeddings_off",
    "ollama_chat",
    "ollama_tags",
)


def test_no_recording_is_left_out() -> None:
    """Not copied were those of interfaces that Quell does not use: llama.cpp's own, Anthropic's, OpenAI's responses."""
    assert {path.stem for path in (FOLDER / "llm").glob("*.json")} == {*CHATS, *ERRORS, "models"}


@pytest.mark.parametrize("name", [*CHATS, *ERRORS, "models"])
async def test_the_fake_answers_as_the_real_server_did(name: str) -> None:
    exchange = recording("llm", name)
    step = as_step(exchange)
    request, expected = exchange["request"], exchange["response"]
    told = {"context": CONTEXT, "characters_per_token": 1, "embeds": False}
    async with openai_server(Script.of(*([step] if step else [])), **told) as fake:
        headers = {key: value for key, value in request["headers"].items() if key in ("Authorization", "Content-Type")}
        async with httpx.AsyncClient(base_url=fake.url, headers=headers, trust_env=False) as client:
            answer = await client.request(request["method"], request["path"], content=request.get("body") or b"")
    assert answer.status_code == expected["status"]
    kind = dict(expected["headers"])["Content-Type"].split(";")[0]
    assert answer.headers["content-type"].split(";")[0] == kind
    theirs, ours = said(expected["body"]), said(answer.text)
    if name == "models":
        assert ours[0]["data"][0].keys() <= theirs[0]["data"][0].keys()
        assert ours[0]["object"] == theirs[0]["object"]
    elif kind == "text/event-stream":
        assert_streams_alike(ours, theirs)
    else:
        assert shape(ours) == shape(theirs)


def assert_streams_alike(ours: list[Any], theirs: list[Any]) -> None:
    """However the pieces are cut: the same kinds of deltas, the same text and calls, the same end."""

    def deltas(events: list[Any]) -> set[str]:
        return {name for event in events for choice in event["choices"] for name in choice["delta"]}

    def whole(events: list[Any]) -> tuple[str, str, str, str]:
        choices = [choice for event in events for choice in event["choices"]]
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
        calls = [call["function"] for choice in choices for call in choice["delta"].get("tool_calls") or ()]
        names = "".join(call.get("name") or "" for call in calls)
        return text, names, "".join(call.get("arguments") or "" for call in calls), choices[-1]["finish_reason"]

    assert deltas(ours) == deltas(theirs)
    assert whole(ours) == whole(theirs)
    assert shape(ours[0]) == shape(theirs[0])
