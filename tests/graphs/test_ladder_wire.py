"""What servers of models really do to an answer, through the real clients, the books and the graph."""

from __future__ import annotations

from typing import Any

import pytest

from agents.data_policy import DataPolicy
from app.models.wiring import model_rungs
from app.operations.models import open_models
from app.settings import Settings
from bench.ladder.matrix import NOW, Does, ScriptedModel, context_of
from bench.ladder.rehearsal import Rehearsal
from bench.ladder.world import EDGE, World
from core.clock import ManualClock
from core.llm import Message, ModelRequest, ModelTask, Purpose, Speaker
from core.models import Autonomy, Decision, EscalationReason, Incident, IncidentStatus, Rung, Severity
from graphs.scratch import scratch_runner, scratch_store
from tests.fakes.ollama import ollama_server
from tests.fakes.openai import openai_server
from tests.fakes.script import Actor, Call, Fail, Say, Script, Step

REASONS = EscalationReason
BEGINNINGS = {
    "Say which service": ModelTask.RCA,
    "Another model gave": ModelTask.VERIFICATION,
    "Say whether the system": ModelTask.ANOMALY,
}

WIRE: list[tuple[str, Step, EscalationReason]] = [
    ("prose", Say("The leaf has fallen."), REASONS.INVALID_OUTPUT),
    ("broken JSON", Say('{"causes": [{"service": "leaf"'), REASONS.INVALID_OUTPUT),
    ("another schema", Say('{"answer": "leaf", "sure": true}'), REASONS.INVALID_OUTPUT),
    ("cut at the limit of tokens", Say('{"causes": [], "confidence": 0.9', full=True), REASONS.INVALID_OUTPUT),
    ("an unknown tool", Say(calls=(Call("shell", '{"command": "reboot"}'),)), REASONS.INVALID_OUTPUT),
    ("cut off in the middle", Say('{"causes": [], "confidence": 0.5}', cut=True), REASONS.RUNG_UNAVAILABLE),
    ("an error", Fail(500), REASONS.RUNG_UNAVAILABLE),
    ("a page of HTML", Fail(200, "<html>login</html>", "text/html"), REASONS.RUNG_UNAVAILABLE),
    ("silence", Say(slow=True), REASONS.TIMEOUT),
]  # fmt: skip
"""What the local server does when it is asked for the cause -> why the frontier is asked."""


@pytest.mark.parametrize(("step", "reason"), [row[1:] for row in WIRE], ids=[row[0] for row in WIRE])
async def test_a_local_server_that_misbehaves_hands_over_by_name(step: Step, reason: EscalationReason) -> None:
    local = Script(actor=_actor(Rung.LOCAL, step))
    frontier = Script(actor=_actor(Rung.FRONTIER, None))
    async with ollama_server(local) as ollama, openai_server(frontier) as openai:
        patience = {ModelTask.ANOMALY: 30.0, ModelTask.RCA: 0.2 if reason is REASONS.TIMEOUT else 30.0}
        sections = {
            "local": {"url": ollama.url, "deadlines": patience},
            "frontier": {"url": f"{openai.url}/v1", "bearer_token": openai.key, "attempts": 1},
        }
        settings = Settings.model_validate({"models": sections})
        incident, decision = await _run(settings)
    assert [step.reason for step in decision.escalations] == [REASONS.UNKNOWN_PATTERN, reason]
    assert (decision.rung, decision.model) == (Rung.FRONTIER, "gpt-4o")
    assert incident.status is IncidentStatus.AWAITING_APPROVAL
    assert incident.cost_usd > 0
    assert any("Say which service" in str(request) for request in local.requests), "it was asked"


def _actor(rung: Rung, step: Step | None) -> Actor:
    """Agrees with everything; asked for the cause it does that step, and names the leaf without one."""
    scripted = ScriptedModel(rung, Does.SURE)

    def act(asked: dict[str, Any]) -> Step:
        said = [each.get("content") or "" for each in asked["messages"]]
        task = next((task for begins, task in BEGINNINGS.items() if said[1].startswith(begins)), ModelTask.PLANNING)
        if task is ModelTask.RCA and step is not None:
            return step
        messages = tuple(Message(speaker=Speaker.USER, text=text) for text in said)
        return Say(scripted.text(ModelRequest(task=task, messages=messages, purpose=Purpose(agent="test"))))

    return act


async def _run(settings: Settings) -> tuple[Incident, Decision]:
    """The small world's incident, of which the rules are not sure."""
    clock, world = ManualClock(NOW), World(NOW, crashed=False)
    incident = Incident(
        id="inc_1",
        status=IncidentStatus.OPEN,
        severity=Severity.WARNING,
        title="EdgeErrors on edge",
        service=EDGE,
        autonomy=Autonomy.ACT,
        opened_at=NOW,
        updated_at=NOW,
        alerts=("fp-edge",),
    )
    async with scratch_store(clock, incident, [world.alert(Severity.WARNING)]) as store:
        async with open_models(settings, clock) as clients:
            models = model_rungs(clients, settings, store, clock)
            make = context_of(world, clock, Rehearsal(clock, store), models, DataPolicy())
            runner, lease = await scratch_runner(store, incident.id, lambda lease: make(store, lease))
            await runner.run(incident.id, lease)
        async with store.read() as tx:
            decisions = await tx.decisions.of_incident(incident.id)
            return await tx.incidents.get(incident.id), next(each for each in decisions if each.agent == "rca")
