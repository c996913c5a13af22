"""The loop against servers that speak the real protocols: tools are offered, called, answered, or left out."""

from __future__ import annotations

import json

import pytest

from agents.looking.calls import Desk
from agents.redaction import Redactor
from core.clock import ManualClock
from graphs.looking import look_further
from tests.clients.models.test_model_clients import RUNGS, world
from tests.fakes.script import Call, Say
from tests.graphs.test_looking import DONE, SCHEMA, Box, request
from tools.registry import QUERIES


def names(asked: dict[str, object]) -> list[str]:
    """Tools that a request offers."""
    offered = asked.get("tools") or []
    assert isinstance(offered, list)
    return [each["function"]["name"] for each in offered]


@pytest.mark.parametrize("rung", RUNGS)
async def test_calls_are_answered_in_their_order_by_their_ids(rung: str, clock: ManualClock) -> None:
    calls = tuple(Call("service_state", json.dumps({"service": name})) for name in ("orders", "payment"))
    async with world(rung, clock, Say(calls=calls), DONE) as w:
        found = await look_further(w.model, request(), Desk(Box(), Redactor()))
    first, second = w.script.requests
    assert names(first) == [*QUERIES, "recall_result"]
    assert found.reply.text == DONE
    said = [each["content"] for each in second["messages"] if each["role"] == "tool"]
    assert ["orders state" in said[0], "payment state" in said[1]] == [True, True]
    assert found.reply.prompt_tokens == 200


async def test_a_model_without_tools_gets_digests_and_schema_in_one_call(clock: ManualClock) -> None:
    async with world("local", clock, DONE) as w:
        found = await look_further(w.model, request(urgent=True), Desk(Box(), Redactor()))
    (asked,) = w.script.requests
    assert asked["model"] == "phi3:mini"
    assert not names(asked)
    assert asked["format"] == SCHEMA
    assert found.reply.text == DONE
    assert "phi3:mini has no tools: asked without them" in found.reply.notes


async def test_prose_of_a_model_whose_schema_is_not_enforced_is_asked_again_with_it(clock: ManualClock) -> None:
    async with world("local", clock, "It must be payment.", DONE) as w:
        found = await look_further(w.model, request(), Desk(Box(), Redactor()))
    first, second = w.script.requests
    assert names(first)
    assert "format" not in first
    assert not names(second)
    assert second["format"] == SCHEMA
    assert found.reply.text == DONE


async def test_a_broken_call_is_answered_and_not_run(clock: ManualClock) -> None:
    box = Box()
    calls = (Call("service_state", '{"service": '), Call("restart", '{"service": "payment"}'))
    async with world("frontier", clock, Say(calls=calls), DONE) as w:
        await look_further(w.model, request(), Desk(box, Redactor()))
    said = [each["content"] for each in w.script.requests[1]["messages"] if each["role"] == "tool"]
    assert "no JSON object" in said[0]
    assert "There is no tool 'restart'" in said[1]
    assert not box.asked
